//! `processing_config.yaml`: what an output was computed with, and from what.
//!
//! It's the resolved configuration in the form of a configuration file, with two sections more: `fovflow`, the version of
//! the document's format, and `source`, the metadata of the file. A configuration file may hold both, they're passed
//! over, so that the document given back with `--config` repeats the run. It has no times and no places, and so is the
//! same wherever and whenever the run was.

use super::emit;
use super::error::{ConfigError, Origin, Problem};
use super::layers::Layers;
use super::model::{ChannelRef, Channels, Config, FlChannel, PcChannel};
use super::node::{Entry, Node, Value};
use super::resolved::ResolvedConfig;
use super::selection::Selection;
use super::yaml;
use crate::source::SourceInfo;

/// The version of the document's format.
pub const DOCUMENT_FORMAT: u32 = 1;

const HEADER: &str = "\
# What this output was computed with, and from what. Written by fovflow; changing it changes nothing.
# The same again: fovflow run FILE -o OUTPUT --config processing_config.yaml
";
/// YAML's own mark for the end of a document: a text that was cut off lacks it.
const END: &str = "...\n";

/// Writes the document. FOVs stand in it in ascending order, whatever the order of their processing.
///
/// # Errors
/// Values that JSON can't hold, which neither type has unless a float isn't finite.
pub fn document(config: &ResolvedConfig, source: &SourceInfo) -> Result<String, ConfigError> {
    let format: Node = Value::Integer(DOCUMENT_FORMAT.into()).into();
    let mut entries = vec![
        entry("fovflow", Value::Map(vec![Entry { key: "format".to_owned(), position: None, node: format }])),
        entry("source", yaml::tree_of(source)?.value),
    ];
    if let Value::Map(settings) = yaml::tree_of(&as_written(config))?.value {
        entries.extend(settings);
    }
    let mut text = HEADER.to_owned();
    emit::block(&entries, 0, &mut text);
    text.push_str(END);
    Ok(text)
}

/// Reads a document: the configuration that repeats the run, and the source that it belongs to.
///
/// # Errors
/// Text that this release doesn't write: bad YAML or one that was cut off, another format, a missing or unreadable source,
/// a bad configuration.
pub fn read_document(text: &str) -> Result<(Config, SourceInfo), ConfigError> {
    let origin = Origin::File(crate::layout::PROCESSING_CONFIG.to_owned());
    let fail = |path: &str, message: String| ConfigError::from(Problem::new(path, message).at(&origin, None));
    let root = yaml::parse(text).map_err(|problem| ConfigError::from(problem.at(&origin, None)))?;
    let format = root.find("fovflow.format").map(|node| node.value.clone());
    if format != Some(Value::Integer(DOCUMENT_FORMAT.into())) {
        let found = format.map_or("none".to_owned(), |format| format.describe());
        let message =
            format!("expected {DOCUMENT_FORMAT}, found {found}: written by another release of fovflow, or not by it");
        return Err(fail("fovflow.format", message));
    }
    if !text.ends_with(END) {
        return Err(fail("", "the end is missing: the file was cut off, or changed since".to_owned()));
    }
    let Some(source) = root.find("source") else {
        return Err(fail("source", "is missing: not written by fovflow, or changed since".to_owned()));
    };
    let source = serde_json::from_value(source.to_json())
        .map_err(|error| fail("source", format!("unreadable, written by another release or changed since: {error}")))?;
    let config = Layers::new().file(crate::layout::PROCESSING_CONFIG, text).build()?;
    Ok((config, source))
}

/// The configuration that resolves to this one.
fn as_written(config: &ResolvedConfig) -> Config {
    let mut fovs = config.fovs.clone();
    fovs.sort_unstable();
    let pc = config
        .pc
        .as_ref()
        .map(|pc| PcChannel { channel: ChannelRef::Index(pc.channel), features: pc.features.clone() });
    let fl =
        config.fl.iter().map(|fl| FlChannel { channel: ChannelRef::Index(fl.channel), features: fl.features.clone() });
    Config {
        fovs: Some(Selection::of(&fovs).to_string()),
        frames: Some(Selection::of(&config.frames).to_string()),
        z: config.z,
        channels: Channels { pc, fl: fl.collect() },
        params: config.params.clone(),
    }
}

fn entry(key: &str, value: Value) -> Entry {
    Entry { key: key.to_owned(), position: None, node: value.into() }
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
