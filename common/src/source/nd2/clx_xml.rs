//! The XML form of ND2 metadata (version 2): elements with a `runtype` and a `value`, or with children.

use roxmltree::Node;

use super::clx::{MAX_DEPTH, Value};
use crate::source::xml;

/// Parses a chunk; the error says what was found where.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, String> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches('\0');
    let document = xml::parse(text)?;
    let root = document.root_element();
    if root.tag_name().name() == "variant" {
        return level(root, 0);
    }
    Ok(Value::Level(vec![(name(root), value(root, 0)?)]))
}

fn level(node: Node<'_, '_>, depth: usize) -> Result<Value, String> {
    if depth > MAX_DEPTH {
        return Err(format!("its values are nested deeper than {MAX_DEPTH} levels"));
    }
    let mut items = Vec::new();
    for child in node.children().filter(Node::is_element) {
        items.push((name(child), value(child, depth)?));
    }
    Ok(Value::Level(items))
}

fn value(node: Node<'_, '_>, depth: usize) -> Result<Value, String> {
    let text = node.attribute("value").unwrap_or_default();
    let invalid = |expected: &str| format!("{:?} has the value {text:?}; expected {expected}", node.tag_name().name());
    Ok(match node.attribute("runtype") {
        Some("bool") => Value::Bool(text.eq_ignore_ascii_case("true") || text == "1"),
        Some("lx_int32" | "lx_int64") => Value::Int(text.parse().map_err(|_| invalid("an integer"))?),
        Some("lx_uint32" | "lx_uint64") => Value::UInt(text.parse().map_err(|_| invalid("a positive integer"))?),
        // Some writers have put "-1.#IND" and the like; nobody computes with those.
        Some("double" | "float") => Value::Float(text.parse().unwrap_or(f64::NAN)),
        Some("CLxStringW" | "unknown") => Value::Text(text.to_string()),
        Some("CLxByteArray") => Value::Bytes(text.as_bytes().to_vec()),
        _ => level(node, depth + 1)?,
    })
}

/// Lists name their items `no_name`.
fn name(node: Node<'_, '_>) -> String {
    match node.tag_name().name() {
        "no_name" => String::new(),
        name => name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_typed_values_lists_and_levels() {
        let xml = br#"<?xml version="1.0" encoding="UTF-8"?><variant version="1.0"><no_name runtype="CLxListVariant">
            <uiWidth runtype="lx_uint32" value="512"/><dCalibration runtype="double" value="0.65"/>
            <bValid runtype="bool" value="true"/><wsName runtype="CLxStringW" value="GFP"/>
            <pList runtype="CLxListVariant"><no_name runtype="lx_int32" value="-1"/></pList></no_name></variant>"#;
        let value = parse(xml).unwrap();
        let inner = value.get("").unwrap();
        assert_eq!(inner.get("uiWidth"), Some(&Value::UInt(512)));
        assert_eq!(inner.get("dCalibration").unwrap().as_f64(), Some(0.65));
        assert_eq!(inner.get("bValid"), Some(&Value::Bool(true)));
        assert_eq!(inner.get("wsName").unwrap().as_text(), Some("GFP"));
        assert_eq!(inner.get("pList").unwrap().items(), [(String::new(), Value::Int(-1))]);
    }

    #[test]
    fn damaged_or_endless_xml_is_an_error() {
        assert!(parse(b"<variant><a></variant>").unwrap_err().contains("xml is damaged"));
        let error = parse(br#"<variant><uiWidth runtype="lx_uint32" value="-5"/></variant>"#).unwrap_err();
        assert!(error.contains("uiWidth") && error.contains("-5"), "{error}");
        let deep = "<a>".repeat(100_000);
        assert!(parse(deep.as_bytes()).is_err());
        let closed = format!("{}{}", "<a>".repeat(500), "</a>".repeat(500));
        assert!(parse(closed.as_bytes()).unwrap_err().contains("nested deeper"));
    }
}
