//! Each value by itself: is the key known, is it of the right kind, is it within its bounds?
//!
//! A layer is checked before it's merged, so that a mistake in a file is told even where a flag overrides it.

use std::collections::BTreeMap;
use std::ops::RangeBounds;

use super::error::{Origin, Position, Problem, Problems, quoted};
use super::node::{Entry, Node, Value};
use super::schema::{self, Key, Shape, join};
use super::selection::Selection;
use super::suggest;

/// Checks a layer against the table of keys.
pub(super) fn check(root: &Node, origin: Option<&Origin>, problems: &mut Problems) {
    Checker { origin, problems }.section("", schema::ROOT, root);
}

/// Reads the frame of an entry of `time_mapping`: digits without superfluous zeros, so that none stands there twice.
fn parse_frame(key: &str) -> Option<u32> {
    key.parse::<u32>().ok().filter(|frame| frame.to_string() == key)
}

struct Checker<'a> {
    origin: Option<&'a Origin>,
    problems: &'a mut Problems,
}

impl Checker<'_> {
    fn report(&mut self, path: &str, position: Option<Position>, message: impl Into<String>) {
        let problem = Problem::new(path, message);
        self.problems.push(match self.origin {
            Some(origin) => problem.at(origin, position),
            None => problem,
        });
    }

    fn report_kind(&mut self, path: &str, shape: &Shape, node: &Node) {
        let message = format!("expected {}, found {}", shape.expected(), node.value.describe());
        self.report(path, node.position, message);
    }

    fn value(&mut self, path: &str, shape: &'static Shape, node: &Node) {
        match (shape, &node.value) {
            (Shape::Ignored, _) | (_, Value::Null) | (Shape::Switch, Value::Bool(_)) => {}
            (Shape::Section(keys), _) => self.section(path, keys, node),
            (Shape::List { items, is_distinct }, Value::List(nodes)) => self.list(path, items, *is_distinct, nodes),
            (Shape::Choice { what, names }, Value::Text(text)) => {
                if !names.contains(&text.as_str()) {
                    self.report(path, node.position, suggest::unknown(what, text, names));
                }
            }
            (Shape::Whole { min, max, why }, Value::Integer(value)) => {
                if !(i128::from(*min)..=i128::from(*max)).contains(value) {
                    self.out_of_bounds(path, shape, node, why);
                }
            }
            (Shape::Number { min, max, why }, Value::Integer(_) | Value::Float(_)) => match finite(&node.value) {
                Some(value) if (*min, *max).contains(&value) => {}
                Some(_) => self.out_of_bounds(path, shape, node, why),
                None => self.report_kind(path, shape, node),
            },
            (Shape::Selection { is_ascending }, Value::Text(text)) => {
                self.selection(path, *is_ascending, text, node.position);
            }
            (Shape::Selection { is_ascending }, Value::Integer(number)) => {
                self.selection(path, *is_ascending, &number.to_string(), node.position);
            }
            (Shape::Channel, Value::Integer(index)) if u32::try_from(*index).is_ok() => {}
            (Shape::Channel, Value::Text(name)) if !name.is_empty() => {}
            (Shape::FrameTimes, Value::Map(entries)) => self.frame_times(path, entries),
            (Shape::List { .. }, Value::Map(_)) if path == "channels.fl" => {
                let message =
                    "expected a list, found a mapping; write it as a whole: [{channel: 1, features: [intensity_mean]}]";
                self.report(path, node.position, message);
            }
            _ => self.report_kind(path, shape, node),
        }
    }

    fn section(&mut self, path: &str, keys: &'static [Key], node: &Node) {
        let entries = match &node.value {
            Value::Map(entries) => entries,
            Value::Null => return,
            _ => {
                let names: Vec<_> = names(keys).collect();
                let message = format!("expected a mapping with {}, found {}", names.join(", "), node.value.describe());
                return self.report(path, node.position, message);
            }
        };
        for entry in entries {
            let entry_path = join(path, &shortened(&entry.key));
            let Some(key) = keys.iter().find(|key| key.name == entry.key) else {
                self.report(&entry_path, entry.position, unknown_key(&entry.key, keys));
                continue;
            };
            self.value(&entry_path, &key.shape, &entry.node);
        }
    }

    fn list(&mut self, path: &str, items: &'static Shape, is_distinct: bool, nodes: &[Node]) {
        for (i, node) in nodes.iter().enumerate() {
            let path = format!("{path}[{i}]");
            if node.value == Value::Null {
                self.report_kind(&path, items, node);
                continue;
            }
            let is_repeated = || nodes[..i].iter().any(|earlier| earlier.value == node.value);
            if is_distinct && items.accepts(node) && is_repeated() {
                self.report(&path, node.position, format!("{} stands here twice", node.value.describe()));
            }
            self.value(&path, items, node);
            self.required(&path, items, node);
        }
    }

    /// Keys that must be there. What a section lacks may come from another layer; what an item of a list lacks can't.
    fn required(&mut self, path: &str, shape: &Shape, node: &Node) {
        for problem in missing(path, shape, node) {
            self.report(&problem.path, node.position, problem.message);
        }
    }

    fn out_of_bounds(&mut self, path: &str, shape: &Shape, node: &Node, why: &str) {
        let reason = if why.is_empty() { String::new() } else { format!(": {why}") };
        let message = format!("expected {}, found {}{reason}", shape.expected(), node.value.describe());
        self.report(path, node.position, message);
    }

    fn selection(&mut self, path: &str, is_ascending: bool, text: &str, position: Option<Position>) {
        match Selection::parse(text) {
            Err(error) => self.report(path, position, error.to_string()),
            Ok(selection) if is_ascending && !selection.is_ascending() => {
                let message = format!("must be ascending, found {}: a movie runs forwards", quoted(text));
                self.report(path, position, message);
            }
            Ok(_) => {}
        }
    }

    fn frame_times(&mut self, path: &str, entries: &[Entry]) {
        let mut times = BTreeMap::new();
        for entry in entries {
            let entry_path = join(path, &shortened(&entry.key));
            let Some(frame) = parse_frame(&entry.key) else {
                let message = format!("expected a frame, a whole number from 0, found {}", quoted(&entry.key));
                self.report(&entry_path, entry.position, message);
                continue;
            };
            let Some(minutes) = finite(&entry.node.value) else {
                let message = format!("expected the frame's time in minutes, found {}", entry.node.value.describe());
                self.report(&entry_path, entry.node.position, message);
                continue;
            };
            // To the parser, 1 and "1" are two keys.
            if times.insert(frame, (minutes, entry.position)).is_some() {
                self.report(&entry_path, entry.position, "stands here twice");
            }
        }
        let mut earlier: Option<(u32, f64)> = None;
        for (frame, (minutes, position)) in times {
            if let Some((earlier_frame, earlier_minutes)) = earlier.filter(|(_, earlier)| *earlier >= minutes) {
                let message = format!(
                    "times must increase, but frame {frame} is at {minutes} min and frame {earlier_frame} at {earlier_minutes} min"
                );
                self.report(&join(path, &frame.to_string()), position, message);
            }
            earlier = Some((frame, minutes));
        }
    }
}

impl Shape {
    /// Whether a value is one of the names that are allowed here.
    fn accepts(&self, node: &Node) -> bool {
        matches!((self, &node.value), (Self::Choice { names, .. }, Value::Text(text)) if names.contains(&text.as_str()))
    }
}

/// Required keys that a merged section lacks.
pub(super) fn missing(path: &str, shape: &Shape, node: &Node) -> Vec<Problem> {
    let (Some(keys), Value::Map(entries)) = (shape.keys(), &node.value) else { return Vec::new() };
    let is_there = |key: &Key| entries.iter().any(|entry| entry.key == key.name && entry.node.value != Value::Null);
    let absent = keys.iter().filter(|key| key.is_required && !is_there(key));
    let problem =
        |key: &Key| Problem::new(&join(path, key.name), format!("is missing; expected {}", key.shape.expected()));
    absent.map(problem).collect()
}

fn finite(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(value) => Some(*value as f64),
        Value::Float(value) => Some(*value).filter(|value| value.is_finite()),
        _ => None,
    }
}

/// Names of the keys that a user would write.
fn names(keys: &'static [Key]) -> impl Iterator<Item = &'static str> {
    keys.iter().filter(|key| !matches!(key.shape, Shape::Ignored)).map(|key| key.name)
}

fn unknown_key(name: &str, keys: &'static [Key]) -> String {
    if let Some(known) = suggest::closest(name, names(keys)) {
        return format!("unknown key, did you mean {}?", quoted(known));
    }
    if let [path] = schema::paths_of(name, schema::ROOT, "").as_slice() {
        return format!("unknown key here, did you mean {}?", quoted(path));
    }
    let known: Vec<_> = names(keys).collect();
    format!("unknown key; known here: {}", known.join(", "))
}

/// A user's key as part of a path.
fn shortened(key: &str) -> String {
    let is_plain = |c: char| !c.is_control() && !c.is_whitespace();
    if key.chars().count() <= 40 && !key.is_empty() && key.chars().all(is_plain) { key.to_owned() } else { quoted(key) }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
