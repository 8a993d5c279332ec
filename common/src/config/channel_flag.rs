//! The flags `--pc` and `--fl`: `0:area,aspect_ratio`.
//!
//! What stands before the last `:` is the channel, what stands after it are features; without a `:` there are none. A
//! channel of digits is an index. Any other is a name, and so is whatever stands in double quotes: `"405":area` is the
//! channel called 405, `"Phase:2"` the one called Phase:2. Within quotes, `""` stands for one quote.

use serde::de::DeserializeOwned;
use thiserror::Error;

use super::error::quoted;
use super::model::{ChannelRef, FlChannel, PcChannel};
use super::schema;
use super::suggest;

/// Why a text is no channel with its features.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChannelFlagError {
    /// No channel before the features.
    #[error("expected a channel, such as 0 or \"0:{example}\", found {}", quoted(.text))]
    NoChannel {
        /// What was given.
        text: String,
        /// Features that could follow.
        example: String,
    },
    /// An index that no file can have.
    #[error("{} is too large for a channel's index; put a name of digits in double quotes", quoted(.0))]
    IndexTooLarge(String),
    /// A quote that isn't closed, or text between it and the features.
    #[error("expected a channel's name in double quotes and then \":\" and features or nothing, found {}", quoted(.0))]
    BadQuotes(String),
    /// A feature that doesn't exist.
    #[error("{message}; if the name of the channel holds a \":\", put it in double quotes")]
    UnknownFeature {
        /// Which, and what there is.
        message: String,
    },
    /// Something is missing between `:` and `,`.
    #[error("a feature is missing in {}; expected features such as {example}, or no \":\" for none", quoted(.text))]
    NoFeature {
        /// What was given.
        text: String,
        /// Features that could follow.
        example: String,
    },
    /// A feature that's listed twice.
    #[error("the feature {} stands there twice", quoted(.0))]
    RepeatedFeature(String),
}

/// Reads the value of `--pc`.
///
/// # Errors
/// Text that isn't a channel and its features, each at most once.
pub fn parse_pc_flag(text: &str) -> Result<PcChannel, ChannelFlagError> {
    let (channel, features) = parse(text, schema::PC_FEATURE_WHAT, schema::PC_FEATURES)?;
    Ok(PcChannel { channel, features })
}

/// Reads the value of one `--fl`.
///
/// # Errors
/// Text that isn't a channel and its features, each at most once.
pub fn parse_fl_flag(text: &str) -> Result<FlChannel, ChannelFlagError> {
    let (channel, features) = parse(text, schema::FL_FEATURE_WHAT, schema::FL_FEATURES)?;
    Ok(FlChannel { channel, features })
}

fn parse<F: DeserializeOwned>(
    text: &str,
    what: &str,
    known: &[&str],
) -> Result<(ChannelRef, Vec<F>), ChannelFlagError> {
    let (channel, features) = split(text)?;
    let no_channel = || ChannelFlagError::NoChannel { text: text.to_owned(), example: known.join(",") };
    let channel = match channel {
        Channel::Quoted(name) if name.is_empty() => return Err(no_channel()),
        Channel::Quoted(name) => ChannelRef::Name(name),
        Channel::Plain("") => return Err(no_channel()),
        Channel::Plain(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            let too_large = |_| ChannelFlagError::IndexTooLarge(digits.to_owned());
            ChannelRef::Index(digits.parse().map_err(too_large)?)
        }
        Channel::Plain(name) => ChannelRef::Name(name.to_owned()),
    };
    let mut parsed = Vec::new();
    let Some(features) = features else { return Ok((channel, parsed)) };
    let names: Vec<_> = features.split(',').map(str::trim).collect();
    for (i, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(ChannelFlagError::NoFeature { text: text.to_owned(), example: known.join(",") });
        }
        let unknown = |_| ChannelFlagError::UnknownFeature { message: suggest::unknown(what, name, known) };
        parsed.push(serde_json::from_value((*name).into()).map_err(unknown)?);
        if names[..i].contains(name) {
            return Err(ChannelFlagError::RepeatedFeature((*name).to_owned()));
        }
    }
    Ok((channel, parsed))
}

enum Channel<'a> {
    Quoted(String),
    Plain(&'a str),
}

/// The channel, and the text of its features if there's any.
fn split(text: &str) -> Result<(Channel<'_>, Option<&str>), ChannelFlagError> {
    let Some(quoted) = text.trim_start().strip_prefix('"') else {
        let (channel, features) = match text.rsplit_once(':') {
            Some((channel, features)) => (channel, Some(features)),
            None => (text, None),
        };
        return Ok((Channel::Plain(channel.trim()), features));
    };
    let bad_quotes = || ChannelFlagError::BadQuotes(text.to_owned());
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let (part, after) = rest.split_once('"').ok_or_else(bad_quotes)?;
        name.push_str(part);
        rest = after;
        let Some(after) = rest.strip_prefix('"') else { break };
        name.push('"');
        rest = after;
    }
    let rest = rest.trim();
    if rest.is_empty() {
        return Ok((Channel::Quoted(name), None));
    }
    let features = rest.strip_prefix(':').ok_or_else(bad_quotes)?;
    Ok((Channel::Quoted(name), Some(features)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::model::FlFeature::{IntensityMean, IntensityTotal};
    use crate::config::model::PcFeature::{Area, AspectRatio};

    #[test]
    fn a_channel_is_an_index_or_a_name() {
        let pc = parse_pc_flag("0:area,aspect_ratio").unwrap();
        assert_eq!(pc, PcChannel { channel: ChannelRef::Index(0), features: vec![Area, AspectRatio] });
        let fl = |text: &str| {
            let FlChannel { channel, features } = parse_fl_flag(text).unwrap();
            (channel, features)
        };
        let name = |name: &str| ChannelRef::Name(name.to_owned());
        assert_eq!(fl("1:intensity_mean,intensity_total"), (ChannelRef::Index(1), vec![IntensityMean, IntensityTotal]));
        assert_eq!(fl("2"), (ChannelRef::Index(2), vec![]));
        assert_eq!(fl(" GFP : intensity_mean "), (name("GFP"), vec![IntensityMean]));
        assert_eq!(fl("a:b, c:intensity_mean"), (name("a:b, c"), vec![IntensityMean]));
        assert_eq!(fl("\"a:b\""), (name("a:b"), vec![]));
        assert_eq!(fl("\"405\":intensity_mean"), (name("405"), vec![IntensityMean]));
        assert_eq!(fl("\"say \"\"a\"\"\" :intensity_mean"), (name("say \"a\""), vec![IntensityMean]));
        assert_eq!(fl("-1"), (name("-1"), vec![]));
    }

    #[test]
    fn anything_else_is_explained() {
        for (text, expected) in [
            ("", "expected a channel, such as 0 or \"0:intensity_total,intensity_mean\", found \"\""),
            (":intensity_mean", "expected a channel, such as 0"),
            ("\"\":intensity_mean", "expected a channel, such as 0"),
            ("4294967296", "\"4294967296\" is too large for a channel's index; put a name of digits in double quotes"),
            (
                "1:",
                "a feature is missing in \"1:\"; expected features such as intensity_total,intensity_mean, or no \":\"",
            ),
            ("1:intensity_mean,", "a feature is missing in \"1:intensity_mean,\""),
            ("1:area", "unknown fluorescence feature \"area\"; expected intensity_total or intensity_mean"),
            ("1:intensity_maen", "did you mean \"intensity_mean\"?"),
            ("Phase:2", "if the name of the channel holds a \":\", put it in double quotes"),
            ("1:intensity_mean,intensity_mean", "the feature \"intensity_mean\" stands there twice"),
            ("\"GFP", "expected a channel's name in double quotes"),
            ("\"GFP\"x:intensity_mean", "expected a channel's name in double quotes"),
        ] {
            let message = parse_fl_flag(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{text:?}: {message}");
        }
        let message = parse_pc_flag("0:intensity_mean").unwrap_err().to_string();
        assert!(
            message.starts_with("unknown phase-contrast feature \"intensity_mean\"; expected area or"),
            "{message}"
        );
    }

    proptest! {
        #[test]
        fn any_name_can_be_quoted(name in ".+") {
            let text = format!("\"{}\":intensity_mean", name.replace('"', "\"\""));
            prop_assert_eq!(parse_fl_flag(&text).unwrap().channel, ChannelRef::Name(name));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = parse_pc_flag(&text);
        }
    }
}
