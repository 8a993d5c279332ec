//! "did you mean …?": what a mistyped name was probably meant to be.

use strsim::damerau_levenshtein;

use super::error::quoted;

/// Longer names aren't compared: nobody mistypes that much, and the comparison takes time.
const MAX_COMPARED: usize = 64;

/// The name that's closest to what was given, if any is close: one typing error for each three letters. Case and the
/// difference between `-` and `_` don't count.
pub(super) fn closest<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if given.len() > MAX_COMPARED {
        return None;
    }
    let given = normalised(given);
    let distance = |name: &'a str| {
        let name_normalised = normalised(name);
        let allowed = given.chars().count().max(name_normalised.chars().count()) / 3;
        let distance = damerau_levenshtein(&given, &name_normalised);
        (distance <= allowed).then_some((distance, name))
    };
    names.into_iter().filter_map(distance).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// `unknown threshold "vally", did you mean "valley"? expected valley or mode_sigma`.
pub(super) fn unknown(what: &str, given: &str, names: &[&str]) -> String {
    let suggestion = closest(given, names.iter().copied());
    let question = suggestion.map(|name| format!(", did you mean {}?", quoted(name)));
    let expected = one_of(names);
    match question {
        Some(question) => format!("unknown {what} {}{question} expected {expected}", quoted(given)),
        None => format!("unknown {what} {}; expected {expected}", quoted(given)),
    }
}

/// `a, b or c`.
pub(super) fn one_of(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [name] => (*name).to_owned(),
        [start @ .., last] => format!("{} or {last}", start.join(", ")),
    }
}

fn normalised(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant_and_does_not_guess_wildly() {
        let names = ["min_iou", "min_size", "max_size", "z", "fovs"];
        for (given, expected) in [
            ("min_iuo", Some("min_iou")),
            ("MIN-IOU", Some("min_iou")),
            ("maxsize", Some("max_size")),
            ("fov", Some("fovs")),
            ("Z", Some("z")),
            ("y", None),
            ("threshold", None),
            ("", None),
        ] {
            assert_eq!(closest(given, names), expected, "{given}");
        }
        assert_eq!(closest(&"z".repeat(1_000_000), names), None);
    }

    #[test]
    fn an_unknown_name_is_answered_with_what_is_known() {
        let names = ["valley", "mode_sigma"];
        let close = unknown("threshold", "vally", &names);
        assert_eq!(close, r#"unknown threshold "vally", did you mean "valley"? expected valley or mode_sigma"#);
        let far = unknown("threshold", "otsu", &names);
        assert_eq!(far, r#"unknown threshold "otsu"; expected valley or mode_sigma"#);
    }

    #[test]
    fn lists_read_naturally() {
        assert_eq!([one_of(&["a"]), one_of(&["a", "b"]), one_of(&["a", "b", "c"])], ["a", "a or b", "a, b or c"]);
    }
}
