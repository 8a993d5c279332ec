//! `fovflow config init`: a configuration file with every key, what it means, and its default.

use std::ops::Bound::Unbounded;

use super::emit;
use super::model::Config;
use super::node::{Node, Value};
use super::schema::{self, Key, Shape};
use super::yaml;

const HEADER: &str = "\
# Configuration of fovflow. Every key stands here with its default; what you leave out keeps it, and null does too.
# Flags and environment variables win over this file: --set params.tracking.min_iou=0.2, or
# FOVFLOW__PARAMS__TRACKING__MIN_IOU=0.2. Check it: fovflow config check --config THIS_FILE FILE
";

/// The commented file. It says the same as no file.
pub fn template() -> String {
    let defaults = yaml::tree_of(&Config::default())
        .expect("the default configuration is made of plain structs, and JSON is YAML");
    let mut text = HEADER.to_owned();
    section(schema::ROOT, &defaults, 0, &mut text);
    text
}

fn section(keys: &[Key], defaults: &Node, indent: usize, text: &mut String) {
    let margin = " ".repeat(indent);
    for key in keys {
        let Some(default) = defaults.find(key.name) else { continue };
        let is_section = matches!(key.shape, Shape::Section(_)) && default.value != Value::Null;
        if indent == 0 || is_section {
            text.push('\n');
        }
        for line in comment(key).lines() {
            text.push_str(&format!("{margin}# {line}\n"));
        }
        match &key.shape {
            Shape::Section(keys) if is_section => {
                text.push_str(&format!("{margin}{}:\n", key.name));
                section(keys, default, indent + 2, text);
            }
            _ => text.push_str(&format!("{margin}{}: {}\n", key.name, emit::flow(default))),
        }
    }
}

/// What a key means and, where its values have bounds or names, which those are.
fn comment(key: &Key) -> String {
    match allowed(&key.shape) {
        Some(allowed) => format!("{} Allowed: {allowed}.", key.help),
        None => key.help.to_owned(),
    }
}

fn allowed(shape: &Shape) -> Option<String> {
    match shape {
        Shape::Whole { min: 0, max, .. } if *max >= u64::from(u32::MAX) => None,
        Shape::Whole { min, max, .. } if *max >= u64::from(u32::MAX) => Some(format!("from {min}")),
        Shape::Whole { min, max, .. } => Some(format!("{min} to {max}")),
        Shape::Number { min: Unbounded, max: Unbounded, .. } => None,
        Shape::Number { .. } => Some(shape.expected().replace("a number ", "")),
        Shape::Choice { names, .. } => Some(names.join(", ")),
        Shape::List { items, .. } => allowed(items),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::layers::Layers;

    /// Removes the `#` of lines that are examples, so that they are read too.
    fn with_examples(text: &str) -> String {
        let uncommented = |line: &str| -> String {
            for example in ["# pc: {", "# time_mapping: {"] {
                if line.trim_start().starts_with(example) {
                    return line.replacen("# ", "", 1);
                }
            }
            line.to_owned()
        };
        let is_default = |line: &&str| !["pc: null", "time_mapping: null"].contains(&line.trim());
        text.lines().filter(is_default).map(|line| uncommented(line) + "\n").collect()
    }

    #[test]
    fn the_template_says_the_defaults() {
        let config = Layers::new().file("template", &template()).build().unwrap();
        assert_eq!(config, Config::default());
    }

    #[test]
    fn the_examples_in_it_are_valid() {
        let text = with_examples(&template());
        let config = Layers::new().file("template", &text).build().unwrap();
        assert_eq!(config.channels.pc.unwrap().features.len(), 2, "{text}");
        assert_eq!(config.params.extraction.time_mapping.unwrap().len(), 3, "{text}");
    }

    fn assert_mentioned(node: &Node, text: &str) {
        let Value::Map(entries) = &node.value else { return };
        for entry in entries {
            let lines: Vec<_> = text.lines().map(str::trim_start).collect();
            let value_line = lines.iter().position(|line| line.starts_with(&format!("{}:", entry.key)));
            let index = value_line.unwrap_or_else(|| unreachable!("{} is not in the template", entry.key));
            assert!(lines[index - 1].starts_with("# "), "{} has no comment", entry.key);
            assert_mentioned(&entry.node, text);
        }
    }

    #[test]
    fn every_key_is_there_with_a_comment() {
        let text = template();
        assert_mentioned(&yaml::tree_of(&Config::default()).unwrap(), &text);
        for expected in
            ["Allowed: 2 to 255.", "Allowed: above 0 up to 1.", "Allowed: valley, mode_sigma.", "fl:", "features"]
        {
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 140), "{text}");
    }
}
