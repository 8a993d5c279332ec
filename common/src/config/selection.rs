//! Selections of FOVs and frames: `"0-5,7"`.

use std::fmt;

use serde::{Deserialize, Deserializer};
use thiserror::Error;

use super::error::quoted;

/// IDs, in the order in which they were given, none of them twice.
///
/// Written as numbers and ranges with both ends included, separated by commas; blanks don't matter. A range is never
/// expanded before it's known what exists, so that `0-4294967295` costs nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// First and last ID of each range.
    ranges: Vec<(u32, u32)>,
}

/// Why a text is no selection.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SelectionError {
    /// Nothing stands in it, or nothing between two commas.
    #[error("expected numbers and ranges such as \"0-5,7\", found {}", quoted(.0))]
    NotASelection(String),
    /// A number that no file can have.
    #[error("{} is too large; IDs go up to {}", quoted(.0), u32::MAX)]
    TooLarge(String),
    /// A range that runs backwards.
    #[error("the range {0}-{1} runs backwards; write {1}-{0}")]
    Backwards(u32, u32),
    /// An ID that's selected twice.
    #[error("{0} is selected twice")]
    Twice(u32),
}

impl Selection {
    /// Reads a selection.
    ///
    /// # Errors
    /// Text that's anything else, ranges that run backwards, IDs that stand there twice, and numbers beyond 32 bits.
    pub fn parse(text: &str) -> Result<Self, SelectionError> {
        let mut ranges = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (parse_id(first, text)?, parse_id(last, text)?);
            if last < first {
                return Err(SelectionError::Backwards(first, last));
            }
            ranges.push((first, last));
        }
        let mut sorted = ranges.clone();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[1].0 <= pair[0].1) {
            return Err(SelectionError::Twice(pair[1].0));
        }
        Ok(Self { ranges })
    }

    /// The selection of these IDs, with neighbours that follow each other joined. No ID may stand there twice.
    pub fn of(ids: &[u32]) -> Self {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for &id in ids {
            match ranges.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(id) => *last = id,
                _ => ranges.push((id, id)),
            }
        }
        Self { ranges }
    }

    /// The IDs from 0, this many. Of none there's an empty selection, which has no text.
    pub fn first(count: u32) -> Self {
        Self { ranges: count.checked_sub(1).map(|last| (0, last)).into_iter().collect() }
    }

    /// The IDs in their order. There may be four billion: stop at the first that doesn't exist.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.ranges.iter().flat_map(|&(first, last)| first..=last)
    }

    /// Whether each ID is larger than the one before it.
    pub fn is_ascending(&self) -> bool {
        self.ranges.is_sorted()
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (first, last)) in self.ranges.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            write!(f, "{first}")?;
            if last > first {
                write!(f, "-{last}")?;
            }
        }
        Ok(())
    }
}

fn parse_id(text: &str, whole: &str) -> Result<u32, SelectionError> {
    let digits = text.trim();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SelectionError::NotASelection(whole.to_owned()));
    }
    digits.parse().map_err(|_| SelectionError::TooLarge(digits.to_owned()))
}

/// Reads a selection's text where a bare number may stand too: `fovs: 3`.
pub(super) fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum TextOrNumber {
        Number(u32),
        Text(String),
    }
    let value = Option::<TextOrNumber>::deserialize(deserializer)?;
    Ok(value.map(|value| match value {
        TextOrNumber::Number(number) => number.to_string(),
        TextOrNumber::Text(text) => text,
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids(text: &str) -> Vec<u32> {
        Selection::parse(text).unwrap().ids().collect()
    }

    #[test]
    fn keeps_the_order_and_takes_blanks() {
        assert_eq!(ids("0-5,7"), [0, 1, 2, 3, 4, 5, 7]);
        assert_eq!(ids(" 7 , 0 - 2 "), [7, 0, 1, 2]);
        assert_eq!(ids("3"), [3]);
        assert_eq!(ids("4294967295"), [u32::MAX]);
        assert!(Selection::parse("0-2,3").unwrap().is_ascending());
        assert!(!Selection::parse("3,0-2").unwrap().is_ascending());
    }

    #[test]
    fn the_first_ids_start_at_0() {
        assert_eq!(Selection::first(3), Selection::parse("0-2").unwrap());
        assert_eq!(Selection::first(0).ids().next(), None);
    }

    #[test]
    fn a_huge_range_costs_nothing() {
        let selection = Selection::parse("0-4294967295").unwrap();
        assert_eq!(selection.ids().take(2).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn anything_else_is_explained() {
        for (text, expected) in [
            ("", r#"expected numbers and ranges such as "0-5,7", found """#),
            ("all", r#"expected numbers and ranges such as "0-5,7", found "all""#),
            ("0,,1", r#"expected numbers and ranges such as "0-5,7", found "0,,1""#),
            ("0-", r#"expected numbers and ranges such as "0-5,7", found "0-""#),
            ("-1", r#"expected numbers and ranges such as "0-5,7", found "-1""#),
            ("+1", r#"expected numbers and ranges such as "0-5,7", found "+1""#),
            ("1 2", r#"expected numbers and ranges such as "0-5,7", found "1 2""#),
            ("0-1-2", r#"expected numbers and ranges such as "0-5,7", found "0-1-2""#),
            ("1.5", r#"expected numbers and ranges such as "0-5,7", found "1.5""#),
            ("٣", r#"expected numbers and ranges such as "0-5,7", found "٣""#),
            ("4294967296", r#""4294967296" is too large; IDs go up to 4294967295"#),
            ("5-2", "the range 5-2 runs backwards; write 2-5"),
            ("1,1", "1 is selected twice"),
            ("0-5,7,3-4", "3 is selected twice"),
        ] {
            assert_eq!(Selection::parse(text).unwrap_err().to_string(), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn survives_printing(ids in proptest::collection::vec(0_u32..40, 1..30)) {
            let mut unique = Vec::new();
            for id in ids {
                if !unique.contains(&id) {
                    unique.push(id);
                }
            }
            let selection = Selection::of(&unique);
            let parsed = Selection::parse(&selection.to_string()).unwrap();
            prop_assert_eq!(parsed.ids().collect::<Vec<_>>(), unique.clone());
            prop_assert_eq!(parsed.is_ascending(), unique.is_sorted());
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9, -]{0,40}") {
            if let Ok(selection) = Selection::parse(&text) {
                prop_assert_eq!(Selection::parse(&selection.to_string()).unwrap(), selection);
            }
        }
    }
}
