//! A tree as YAML text: the keys of mappings on lines of their own, lists on one line, or with a line for each item that
//! is a mapping. The same tree always gives the same text. Readers of YAML 1.1, such as PyYAML, read the same values.

use super::node::{Entry, Node, Value};

/// Words that some YAML reads as something other than text.
const RESERVED: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

/// Writes entries with this many blanks before each line.
pub(super) fn block(entries: &[Entry], indent: usize, out: &mut String) {
    let margin = " ".repeat(indent);
    for entry in entries {
        let key = text(&entry.key, true);
        match &entry.node.value {
            Value::Map(entries) if !entries.is_empty() => {
                out.push_str(&format!("{margin}{key}:\n"));
                block(entries, indent + 2, out);
            }
            Value::List(items) if items.iter().any(|item| matches!(item.value, Value::Map(_))) => {
                out.push_str(&format!("{margin}{key}:\n"));
                for item in items {
                    out.push_str(&format!("{margin}  - {}\n", flow(item)));
                }
            }
            _ => out.push_str(&format!("{margin}{key}: {}\n", flow(&entry.node))),
        }
    }
}

/// A value on one line.
pub(super) fn flow(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => float(*value),
        Value::Text(value) => text(value, false),
        Value::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            let pair = |entry: &Entry| format!("{}: {}", text(&entry.key, true), flow(&entry.node));
            format!("{{{}}}", entries.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
    }
}

/// The shortest digits that read back as the same float. YAML 1.1 wants a point, and a sign in the exponent.
fn float(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let digits = format!("{value:?}");
    let Some((mantissa, exponent)) = digits.split_once('e') else { return digits };
    let point = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    format!("{mantissa}{point}e{sign}{exponent}")
}

/// Text, in double quotes unless it's plainly a word. A key may be a number too: it's read as text either way.
fn text(value: &str, is_key: bool) -> String {
    let is_word_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_word = value.starts_with(|c: char| c.is_ascii_alphabetic()) && value.chars().all(is_word_part);
    let is_number = !value.is_empty() && value.len() < 20 && value.bytes().all(|byte| byte.is_ascii_digit());
    let is_reserved = RESERVED.contains(&value.to_lowercase().as_str());
    if (is_word && !is_reserved) || (is_key && is_number) {
        return value.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            _ if is_printable(c) => quoted.push(c),
            _ if u32::from(c) <= 0xFFFF => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

/// What may stand in YAML text as it is, less line breaks of other scripts and the byte order mark. Characters beyond
/// the first plane are escaped: not every reader takes them.
fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::yaml;

    fn emitted(json: &serde_json::Value) -> String {
        let node = yaml::tree_of(json).unwrap();
        let Value::Map(entries) = &node.value else { unreachable!("the tests write mappings") };
        let mut out = String::new();
        block(entries, 0, &mut out);
        out
    }

    #[test]
    fn reads_well() {
        let json = serde_json::json!({
            "a": {"b": ["x", "w"], "c": 1.0, "d": {}},
            "e": [{"f": 1, "g": []}, {"f": null}],
            "h": "0-5,7",
            "times": {"0": 0.5},
        });
        let expected = "a:\n  b: [x, w]\n  c: 1.0\n  d: {}\n\
                        e:\n  - {f: 1, g: []}\n  - {f: null}\n\
                        h: \"0-5,7\"\n\
                        times:\n  0: 0.5\n";
        assert_eq!(emitted(&json), expected);
    }

    #[test]
    fn words_that_mean_something_else_are_quoted() {
        let words = [
            "no",
            "NULL",
            "405",
            "1e3",
            "",
            "a b",
            "-",
            "~",
            "é",
            "a\nb",
            "\u{85}",
            "\u{feff}",
            "\u{1f52c}",
            "GFP",
            ".5",
        ];
        let texts: Vec<_> = words.iter().map(|word| text(word, false)).collect();
        let expected = [
            r#""no""#,
            r#""NULL""#,
            r#""405""#,
            r#""1e3""#,
            r#""""#,
            r#""a b""#,
            r#""-""#,
            r#""~""#,
            r#""é""#,
            r#""a\nb""#,
            r#""\u0085""#,
            r#""\ufeff""#,
            r#""\U0001f52c""#,
            "GFP",
            r#"".5""#,
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn floats_have_a_point_and_a_signed_exponent() {
        let floats = [1.0, 0.1, 1e-7, 1.5e300, -0.0, 1e16];
        assert_eq!(floats.map(float), ["1.0", "0.1", "1.0e-7", "1.5e+300", "-0.0", "1.0e+16"]);
    }

    proptest! {
        #[test]
        fn reads_back_as_written(key in any::<String>(), text in any::<String>(), number in any::<f64>(), whole in any::<u64>()) {
            let json = serde_json::json!({"k": {"text": text, "list": [number, whole, text], "maps": [{"a": text}]}, "l": {key: 1}});
            let read = yaml::parse(&emitted(&json)).unwrap();
            prop_assert_eq!(read.to_json(), json);
        }
    }
}
