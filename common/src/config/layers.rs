//! Layers: flag over environment over file over default.
//!
//! A key that a higher layer gives wins, sections merge key by key, and lists and mappings of frames are replaced as a
//! whole. Null takes a key back to its default, so `--set channels.pc=null` drops the file's phase-contrast channel.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Serialize;

use super::check;
use super::error::{ConfigError, Origin, Problem, Problems, quoted};
use super::model::Config;
use super::node::{Entry, Node, Value};
use super::schema::{self, Key, Shape};
use super::validate::{self, Contradiction};
use super::yaml;

/// What the names of environment variables start with that stand for a key.
pub const ENVIRONMENT_PREFIX: &str = "FOVFLOW__";
/// The longest path that may be set; the longest key has three steps.
const MAX_STEPS: usize = 8;

/// Gathers settings and makes a [`Config`] of them. Nothing fails before [`Layers::build`], which tells all problems at
/// once. The order of calls matters only within a kind of origin: the later call wins.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    layers: Vec<Layer>,
    problems: Problems,
}

#[derive(Debug, Clone)]
struct Layer {
    origin: Origin,
    root: Node,
}

impl Layers {
    /// Only the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a YAML file.
    pub fn read_file(mut self, path: &Path) -> Self {
        let name = path.display().to_string();
        match read_text(path) {
            Ok(text) => self.file(&name, &text),
            Err(message) => {
                self.problems.push(Problem::new("", message).at(&Origin::File(name), None));
                self
            }
        }
    }

    /// Adds the text of a YAML file. `name` is what messages call it.
    pub fn file(self, name: &str, text: &str) -> Self {
        self.add(Origin::File(name.to_owned()), yaml::parse(text))
    }

    /// Adds the environment's settings: `FOVFLOW__PARAMS__TRACKING__MIN_IOU=0.2` sets `params.tracking.min_iou`. Values
    /// are YAML. Other variables, and empty ones, are passed over.
    pub fn environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        // Sorted, so that what's set doesn't hang on the order of the environment, and a section comes before its keys.
        let variables: BTreeMap<String, String> = variables.into_iter().collect();
        for (name, value) in variables {
            let Some(steps) = name.strip_prefix(ENVIRONMENT_PREFIX) else { continue };
            if value.is_empty() {
                continue;
            }
            let path = steps.to_lowercase().replace("__", ".");
            self = self.set(&path, &value, Origin::Environment(name));
        }
        self
    }

    /// Adds a `--set` flag: `params.tracking.min_iou=0.2`. The value is YAML, `[close, fill]` for a list.
    pub fn assign(mut self, assignment: &str) -> Self {
        let origin = Origin::Flag("--set".to_owned());
        if let Some((path, value)) = assignment.split_once('=') {
            return self.set(path.trim(), value, origin);
        }
        let message = format!("expected path=value, such as params.tracking.min_iou=0.2, found {}", quoted(assignment));
        self.problems.push(Problem::new("", message).at(&origin, None));
        self
    }

    /// Sets one key to a value in YAML.
    pub fn set(self, path: &str, yaml: &str, origin: Origin) -> Self {
        let node = yaml::parse(yaml).map_err(|problem| Problem { path: path.to_owned(), ..problem });
        self.add_at(path, node, origin)
    }

    /// Sets one key to a value that a flag of its own has already parsed: `value("z", &3, "--z")`.
    pub fn value<T: Serialize>(self, path: &str, value: &T, flag: &str) -> Self {
        self.add_at(path, yaml::tree_of(value), Origin::Flag(flag.to_owned()))
    }

    /// Merges the layers, and checks every value and how they fit together.
    ///
    /// # Errors
    /// Everything that's wrong in any layer: unreadable text, unknown keys, values of a wrong kind or out of bounds, and
    /// values that contradict each other.
    pub fn build(self) -> Result<Config, ConfigError> {
        let Self { mut layers, mut problems } = self;
        layers.sort_by_key(|layer| rank(&layer.origin));
        for layer in &layers {
            check::check(&layer.root, Some(&layer.origin), &mut problems);
        }
        problems.into_result()?;

        let mut merged = Vec::new();
        for layer in &layers {
            if let Value::Map(entries) = &layer.root.value {
                merge(&mut merged, entries, schema::ROOT);
            }
        }
        let config = typed(&Value::Map(merged).into())?;

        let mut problems = Problems::default();
        for contradiction in validate::contradictions(&config) {
            problems.push(place(contradiction, &layers));
        }
        problems.into_result()?;
        Ok(config)
    }

    fn add(mut self, origin: Origin, root: Result<Node, Problem>) -> Self {
        match root {
            Ok(root) => self.layers.push(Layer { origin, root }),
            Err(problem) => self.problems.push(problem.at(&origin, None)),
        }
        self
    }

    fn add_at(self, path: &str, node: Result<Node, Problem>, origin: Origin) -> Self {
        let steps: Vec<_> = path.split('.').collect();
        if steps.len() > MAX_STEPS {
            let message = format!("unknown key {}", quoted(path));
            return self.add(origin, Err(Problem::new("", message)));
        }
        let nested = |node: Node| {
            steps.iter().rev().fold(node, |node, step| {
                let entry = Entry { key: (*step).to_owned(), position: None, node };
                Value::Map(vec![entry]).into()
            })
        };
        self.add(origin, node.map(nested))
    }
}

/// Layers of a higher rank win.
fn rank(origin: &Origin) -> u8 {
    match origin {
        Origin::File(_) => 0,
        Origin::Environment(_) => 1,
        Origin::Flag(_) => 2,
    }
}

/// Lays entries over others. Both have passed the check.
fn merge(base: &mut Vec<Entry>, over: &[Entry], keys: &'static [Key]) {
    for entry in over {
        let Some(key) = keys.iter().find(|key| key.name == entry.key) else { continue };
        if matches!(key.shape, Shape::Ignored) {
            continue;
        }
        let index = base.iter().position(|known| known.key == entry.key);
        if entry.node.value == Value::Null {
            if let Some(index) = index {
                base.remove(index);
            }
            continue;
        }
        let index = index.unwrap_or_else(|| {
            base.push(Entry { node: Node::empty_map(), ..entry.clone() });
            base.len() - 1
        });
        match (&key.shape, &mut base[index].node.value, &entry.node.value) {
            (Shape::Section(keys), Value::Map(base), Value::Map(over)) => merge(base, over, keys),
            (_, value, over) => *value = over.clone(),
        }
    }
}

/// The types of a merged tree.
fn typed(merged: &Node) -> Result<Config, ConfigError> {
    if let Some(pc) = merged.find("channels.pc") {
        let shape = schema::shape_of("channels.pc");
        let mut problems = Problems::default();
        for problem in shape.iter().flat_map(|shape| check::missing("channels.pc", shape, pc)) {
            problems.push(problem);
        }
        problems.into_result()?;
    }
    // A test holds the table of keys against the types; should they ever part, this is an error and no panic.
    serde_json::from_value(merged.to_json()).map_err(|error| Problem::new("", error.to_string()).into())
}

/// Blames the value that the highest layer gave: the others were there before it.
fn place(contradiction: Contradiction, layers: &[Layer]) -> Problem {
    let Contradiction { paths, message } = contradiction;
    for layer in layers.iter().rev() {
        for path in &paths {
            if let Some(node) = layer.root.find(path) {
                return Problem::new(path, message).at(&layer.origin, node.position);
            }
        }
    }
    Problem::new(&paths[0], message)
}

fn read_text(path: &Path) -> Result<String, String> {
    let file = File::open(path).map_err(|error| format!("can't be opened: {error}"))?;
    let mut bytes = Vec::new();
    let limit = yaml::MAX_BYTES as u64 + 1;
    file.take(limit).read_to_end(&mut bytes).map_err(|error| format!("can't be read: {error}"))?;
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        format!("is not a text file: byte {place} is not UTF-8; expected a YAML configuration")
    })
}

#[cfg(test)]
#[path = "layers_tests.rs"]
mod tests;
