//! XML from files that may be hostile.
//!
//! The parser, `roxmltree`, expands no entities and holds its nodes to a limit, but compares each attribute of an element with
//! those before it, and copies the namespaces in scope wherever one is added: 100 kB can keep it busy for a second, a few
//! MB for hours. So both are counted first. The limits are far above any real file's: those have ten attributes per
//! element and a handful of namespaces.

use roxmltree::{Document, ParsingOptions};

/// Most elements and texts.
const MAX_NODES: u32 = 1_000_000;
/// Most attributes of one element.
const MAX_ATTRIBUTES_PER_ELEMENT: usize = 256;
/// Most attributes of all elements.
const MAX_ATTRIBUTES: usize = 2_000_000;
/// Most declarations of namespaces.
const MAX_NAMESPACES: usize = 1000;

/// Parses a document; the error says what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Document<'_>, String> {
    check_attributes(text)?;
    if text.matches("xmlns").count() > MAX_NAMESPACES {
        return Err(format!("the xml declares more than {MAX_NAMESPACES} namespaces"));
    }
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| format!("the xml is damaged: {error}"))
}

/// Counts the quoted values in each tag. What isn't well-formed is left to the parser, which stops where this loses track.
fn check_attributes(text: &str) -> Result<(), String> {
    let mut total = 0;
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        rest = &rest[start..];
        if let Some((opening, closing)) = DATA.into_iter().find(|(opening, _)| rest.starts_with(opening)) {
            let data = &rest[opening.len()..];
            let Some(length) = data.find(closing) else {
                return Ok(());
            };
            rest = &data[length + closing.len()..];
            continue;
        }
        let Some((count, after_tag)) = count_quoted(rest) else {
            return Ok(());
        };
        rest = after_tag;
        total += count;
        if count > MAX_ATTRIBUTES_PER_ELEMENT {
            return Err(format!(
                "an element of the xml has {count} attributes; expected at most {MAX_ATTRIBUTES_PER_ELEMENT}"
            ));
        }
        if total > MAX_ATTRIBUTES {
            return Err(format!("the xml has more than {MAX_ATTRIBUTES} attributes"));
        }
    }
    Ok(())
}

/// What starts and ends data in which quotes and angle brackets mean nothing.
const DATA: [(&str, &str); 3] = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")];

/// How many quoted values the tag has that `rest` starts with, and what follows it; `None` if it doesn't end.
fn count_quoted(mut rest: &str) -> Option<(usize, &str)> {
    let mut count = 0;
    loop {
        let position = rest.find(['"', '\'', '>'])?;
        let found = rest.as_bytes()[position];
        rest = &rest[position + 1..];
        if found == b'>' {
            return Some((count, rest));
        }
        count += 1;
        let length = rest.find(char::from(found))?;
        rest = &rest[length + 1..];
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn ordinary_xml_is_parsed() {
        let text = "<?xml version='1.0'?><!--> ' < \" --><a b='>' c=\"'\"><![CDATA[<'\"]]>it's</a>";
        let document = parse(text).unwrap();
        let root = document.root_element();
        assert_eq!((root.attribute("b"), root.attribute("c")), (Some(">"), Some("'")));
    }

    #[test]
    fn what_would_keep_the_parser_busy_is_refused_at_once() {
        let start = Instant::now();
        let numbered =
            |prefix: &str| (0..100_000).map(|index| format!(" {prefix}{index}='u{index}'")).collect::<String>();
        let attributes = format!("<!-->'--><a{}/>", numbered("a"));
        assert!(parse(&attributes).unwrap_err().contains("100000 attributes"));
        let namespaces = "<a xmlns:b='c'>".repeat(100_000);
        assert!(parse(&namespaces).unwrap_err().contains("namespaces"));
        let nodes = format!("<a>{}</a>", "<b/>".repeat(MAX_NODES as usize + 1));
        assert!(parse(&nodes).unwrap_err().contains("damaged"));
        let many_attributes = format!("<a>{}</a>", "<b c='' d=''/>".repeat(MAX_ATTRIBUTES / 2 + 1));
        assert!(parse(&many_attributes).unwrap_err().contains("more than 2000000 attributes"));
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }

    #[test]
    fn broken_xml_is_an_error_and_deep_xml_no_crash() {
        let entities = "<!DOCTYPE a [<!ENTITY x 'xx'><!ENTITY y '&x;&x;'>]><a>&y;</a>";
        for text in ["<a>", "<a b='>", "<!-- ", "<", "<a <b>", "", entities, &"<a>".repeat(200_000)] {
            assert!(parse(text).is_err(), "{:?}", &text[..text.len().min(20)]);
        }
        // Either answer will do; the stack must hold.
        let _ = parse(&format!("{}{}", "<a>".repeat(200_000), "</a>".repeat(200_000)));
    }
}
