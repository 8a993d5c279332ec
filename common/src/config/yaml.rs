//! YAML 1.2 text into a tree, within limits.

use serde::Serialize;
use serde_saphyr::{Error, NonFiniteFloatPolicy, Options, Spanned, UserMessageFormatter};

use super::error::{Problem, quoted};
use super::node::{self, Node, Value};

/// The largest text that's read. `processing_config.yaml` has a line of about 50 bytes for each FOV, so that this is good
/// for a million of them.
pub(super) const MAX_BYTES: usize = 64 << 20;
/// The deepest nesting; a configuration has six levels.
const MAX_DEPTH: usize = 24;
/// The most events (a value, or the start or end of a list or mapping); ten for each FOV.
const MAX_EVENTS: usize = 12_000_000;
/// The most events that aliases may repeat.
const MAX_REPEATED_EVENTS: usize = 10_000;

/// Parses one document. Empty text is null.
///
/// # Errors
/// A problem without a path and origin: bad syntax, a duplicate key, several documents, or a text beyond the limits.
pub(super) fn parse(text: &str) -> Result<Node, Problem> {
    if text.len() > MAX_BYTES {
        return Err(Problem::new("", format!("{} MiB is too large for a configuration", text.len() >> 20)));
    }
    if text.trim().is_empty() {
        return Ok(Value::Null.into());
    }
    parse_with(text, options())
}

/// The tree of a value that JSON can hold, with its fields in their order of declaration.
///
/// JSON is YAML. Unlike a JSON parser's own tree, this one keeps the order, and floats come back exactly.
///
/// # Errors
/// Maps whose keys are neither texts nor numbers. There's no limit to the size.
pub(super) fn tree_of<T: Serialize>(value: &T) -> Result<Node, Problem> {
    let json = serde_json::to_string(value).map_err(|error| Problem::new("", error.to_string()))?;
    let mut unlimited = options();
    unlimited.budget = None;
    parse_with(&json, unlimited)
}

fn parse_with(text: &str, options: Options) -> Result<Node, Problem> {
    let spanned: Spanned<Value> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| explain(&error))?;
    Ok(spanned.into())
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_events: MAX_EVENTS,
            max_nodes: MAX_EVENTS,
            max_recorded_anchor_events: MAX_REPEATED_EVENTS,
            max_aliases: MAX_REPEATED_EVENTS,
            max_merge_keys: MAX_REPEATED_EVENTS,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_REPEATED_EVENTS },
        // YAML 1.2 knows neither "yes" and "no" nor underscores in numbers, and 007 is more likely a name than a number.
        strict_booleans: true,
        underscored_numbers_as_strings: true,
        leading_zero_numbers_as_strings: true,
        reject_unsupported_tags: true,
        // Told apart later, where the key is known.
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    }
}

/// The parser's error in terms of a user who knows nothing of parsers.
fn explain(error: &Error) -> Problem {
    let place = error.location().and_then(node::position);
    let message = match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("the key {} stands here twice", quoted(key)),
        Error::MultipleDocuments { .. } => "a second document starts here; a configuration is a single one".to_owned(),
        Error::NullIntoString { .. } => "a key is missing before the \":\"".to_owned(),
        Error::Budget { .. } | Error::AliasReplayLimitExceeded { .. } => {
            "too deep, too long or too often repeated for a configuration".to_owned()
        }
        other => without_place(&other.render_with_formatter(&UserMessageFormatter)),
    };
    Problem { position: place, ..Problem::new("", message) }
}

/// The parser ends its messages with the place, which a [`Problem`] says first.
fn without_place(message: &str) -> String {
    let (text, _) = message.split_once(" at line ").unwrap_or((message, ""));
    format!("not valid YAML: {text}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::error::Position;

    fn value(text: &str) -> Value {
        parse(text).unwrap().value
    }

    fn problem(text: &str) -> (Option<(u64, u64)>, String) {
        let problem = parse(text).unwrap_err();
        (problem.position.map(|Position { line, column }| (line, column)), problem.message)
    }

    #[test]
    fn scalars_follow_yaml_1_2() {
        for (text, expected) in [
            ("yes", Value::Text("yes".into())),
            ("true", Value::Bool(true)),
            ("1_000", Value::Text("1_000".into())),
            ("007", Value::Text("007".into())),
            ("0-5,7", Value::Text("0-5,7".into())),
            ("0x1f", Value::Integer(31)),
            ("-3", Value::Integer(-3)),
            ("18446744073709551615", Value::Integer(u64::MAX.into())),
            ("1e3", Value::Float(1000.0)),
            (".inf", Value::Float(f64::INFINITY)),
            ("'405'", Value::Text("405".into())),
            ("~", Value::Null),
            ("", Value::Null),
            (" \n# nothing but a comment\n", Value::Null),
            ("---\n...\n", Value::Null),
        ] {
            assert_eq!(value(text), expected, "{text:?}");
        }
    }

    #[test]
    fn values_and_keys_know_their_place() {
        let node = parse("a: 1\nb:\n  c: [x]\n").unwrap();
        let c = node.find("b.c[0]").unwrap();
        assert_eq!(c.position, Some(Position { line: 3, column: 7 }));
        let Value::Map(entries) = &node.find("b").unwrap().value else { unreachable!("b holds a mapping") };
        assert_eq!(entries[0].position, Some(Position { line: 3, column: 3 }));
    }

    #[test]
    fn anchors_and_merge_keys_are_expanded() {
        let node = parse("a: &a {x: 1}\nb: {<<: *a, y: 2}").unwrap();
        assert_eq!(node.find("b").unwrap().to_json(), serde_json::json!({"x": 1, "y": 2}));
    }

    #[test]
    fn a_value_keeps_its_fields_in_their_order() {
        let node = tree_of(&crate::config::Config::default()).unwrap();
        let Value::Map(entries) = &node.value else { unreachable!("a struct becomes a map") };
        let keys: Vec<_> = entries.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, ["fovs", "frames", "z", "channels", "params"]);
    }

    proptest! {
        #[test]
        fn json_survives(text in any::<String>(), number in any::<f64>(), whole in any::<i64>(), count in any::<u64>()) {
            let json = serde_json::json!({"a": [null, true, whole, count, number, text, {}], "b": []});
            prop_assert_eq!(tree_of(&json).unwrap().to_json(), json);
        }
    }

    #[test]
    fn bad_syntax_is_placed_and_explained() {
        for (text, place, expected) in [
            ("a: 1\na: 2", (2, 1), "the key \"a\" stands here twice"),
            ("a: 1\n---\nb: 1", (3, 1), "a second document"),
            ("a: [1,\n2", (1, 4), "not valid YAML: unclosed bracket '['"),
            ("a: 1\n: 2\n", (2, 1), "a key is missing before"),
            ("a: 1\n b: 2\n", (2, 3), "not valid YAML"),
            ("&a [*a]", (1, 5), "not valid YAML"),
            ("[1]: 2", (1, 1), "not valid YAML: expected string"),
            ("a: !tag 1", (1, 9), "not valid YAML"),
            ("a: \"x", (1, 4), "not valid YAML"),
        ] {
            let (found_place, message) = problem(text);
            assert!(message.contains(expected), "{text:?}: {message}");
            assert!(!message.contains("Options") && !message.contains(" at line "), "{text:?}: {message}");
            assert_eq!(found_place, Some(place), "{text:?}: {message}");
        }
    }

    #[test]
    fn hostile_texts_are_turned_down() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..12 {
            let alias = format!("*a{}", i - 1);
            bomb.push_str(&format!("a{i}: &a{i} [{}]\n", vec![alias; 9].join(", ")));
        }
        let deep_flow = "[".repeat(100_000);
        let deep_block = (0..2000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect::<String>();
        let deep_list = "- ".repeat(100_000);
        for text in [bomb, deep_flow, deep_block, deep_list] {
            assert!(parse(&text).is_err(), "{}", &text[..20]);
        }
        let (_, message) = problem(&" ".repeat(MAX_BYTES + 1));
        assert!(message.contains("64 MiB is too large"), "{message}");
    }
}
