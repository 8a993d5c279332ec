//! What a CZI file's XML says: names, pixel size, frame interval. Pixels don't depend on it, so whatever the XML lacks is left
//! open; XML that can't be parsed is an error all the same, as a sign of damage.

use std::collections::BTreeMap;

use roxmltree::Node;

use super::segment::{corrupt, read_segment};
use crate::source::error::SourceError;
use crate::source::little_endian::u32_at;
use crate::source::range_reader::{RangeRead, read_range};
use crate::source::xml;

const MAGIC: &[u8; 16] = b"ZISRAWMETADATA\0\0";
const FIXED_BYTES: u64 = 256;
/// Real files have up to a few MB.
const MAX_XML_BYTES: u32 = 32 * 1024 * 1024;

/// What is used of the metadata.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Metadata {
    /// By order of the channels.
    pub(super) channel_names: Vec<Option<String>>,
    /// By the file's index of the scene.
    pub(super) scene_names: BTreeMap<u32, String>,
    /// µm per pixel as `[y, x]`.
    pub(super) pixel_size_um: Option<[f64; 2]>,
    /// Seconds.
    pub(super) frame_interval_s: Option<f64>,
    pub(super) bits_significant: Option<u32>,
}

impl Metadata {
    /// Reads the segment at `offset`; nothing where that is 0.
    pub(super) fn read(reader: &dyn RangeRead, offset: u64) -> Result<Self, SourceError> {
        if offset == 0 {
            return Ok(Self::default());
        }
        let what = "the metadata";
        let segment = read_segment(reader, offset, MAGIC, what)?;
        let metadata_corrupt = |detail: String| corrupt(reader, what, offset, detail);
        let fixed = read_range(reader, segment.offset, FIXED_BYTES, what)?;
        let xml_bytes = u32_at(&fixed, 0).unwrap_or(0);
        if xml_bytes > MAX_XML_BYTES {
            return Err(metadata_corrupt(format!("the xml has {xml_bytes} bytes; expected at most {MAX_XML_BYTES}")));
        }
        let bytes = read_range(reader, segment.offset + FIXED_BYTES, xml_bytes.into(), what)?;
        let xml =
            std::str::from_utf8(&bytes).map_err(|error| metadata_corrupt(format!("the xml is no utf-8: {error}")))?;
        Self::parse(xml).map_err(metadata_corrupt)
    }

    /// Reads the XML; empty XML says nothing.
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{feff}').trim_end_matches('\0').trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        let document = xml::parse(text)?;
        let Some(metadata) = descend(document.root(), &["ImageDocument", "Metadata"]) else {
            return Ok(Self::default());
        };
        let image = descend(metadata, &["Information", "Image"]);
        let dimensions = image.and_then(|image| descend(image, &["Dimensions"]));
        let interval = dimensions.and_then(|node| descend(node, &["T", "Positions", "Interval", "Increment"]));
        Ok(Self {
            channel_names: channel_names(metadata, dimensions),
            scene_names: dimensions.map(scene_names).unwrap_or_default(),
            pixel_size_um: pixel_size_um(metadata),
            frame_interval_s: interval.and_then(positive_number),
            bits_significant: image.and_then(bits_significant),
        })
    }
}

/// The image's channels; a name that is missing there may stand in the display settings.
fn channel_names(metadata: Node<'_, '_>, dimensions: Option<Node<'_, '_>>) -> Vec<Option<String>> {
    let channels = dimensions.and_then(|node| descend(node, &["Channels"]));
    let displayed: Vec<_> = descend(metadata, &["DisplaySetting", "Channels"])
        .map(|node| elements(node, "Channel").map(|channel| text_attribute(channel, "Name")).collect())
        .unwrap_or_default();
    let Some(channels) = channels else {
        return displayed;
    };
    elements(channels, "Channel")
        .enumerate()
        .map(|(index, channel)| text_attribute(channel, "Name").or_else(|| displayed.get(index).cloned().flatten()))
        .collect()
}

fn scene_names(dimensions: Node<'_, '_>) -> BTreeMap<u32, String> {
    let Some(scenes) = descend(dimensions, &["S", "Scenes"]) else {
        return BTreeMap::new();
    };
    let entry =
        |scene: Node<'_, '_>| Some((scene.attribute("Index")?.trim().parse().ok()?, text_attribute(scene, "Name")?));
    elements(scenes, "Scene").filter_map(entry).collect()
}

/// The file has metres.
fn pixel_size_um(metadata: Node<'_, '_>) -> Option<[f64; 2]> {
    let items = descend(metadata, &["Scaling", "Items"])?;
    let size = |axis: &str| {
        let distance = elements(items, "Distance").find(|item| item.attribute("Id") == Some(axis))?;
        descend(distance, &["Value"]).and_then(positive_number).map(|metres| metres * 1e6)
    };
    Some([size("Y")?, size("X")?])
}

/// Of the image, or the most that a channel has.
fn bits_significant(image: Node<'_, '_>) -> Option<u32> {
    let bits = |node: Node<'_, '_>| descend(node, &["ComponentBitCount"])?.text()?.trim().parse().ok();
    let channels = descend(image, &["Dimensions", "Channels"]);
    bits(image).or_else(|| channels.and_then(|node| elements(node, "Channel").filter_map(bits).max()))
}

fn positive_number(node: Node<'_, '_>) -> Option<f64> {
    let number: f64 = node.text()?.trim().parse().ok()?;
    (number.is_finite() && number > 0.0).then_some(number)
}

fn text_attribute(node: Node<'_, '_>, name: &str) -> Option<String> {
    let text = node.attribute(name)?.trim();
    (!text.is_empty()).then(|| text.to_string())
}

fn descend<'a, 'input>(node: Node<'a, 'input>, path: &[&str]) -> Option<Node<'a, 'input>> {
    path.iter().try_fold(node, |node, name| elements(node, name).next())
}

fn elements<'a, 'input>(node: Node<'a, 'input>, name: &str) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = r##"<ImageDocument><Metadata>
        <Information><Image><ComponentBitCount>12</ComponentBitCount><Dimensions>
            <Channels><Channel Id="Channel:0" Name="Phase"/><Channel Id="Channel:1"/></Channels>
            <T><Positions><Interval><Start>0</Start><Increment>33.412</Increment></Interval></Positions></T>
            <S><Scenes><Scene Index="4" Name="D6"/><Scene Index="x" Name="?"/></Scenes></S>
        </Dimensions></Image></Information>
        <Scaling><Items>
            <Distance Id="X"><Value>1E-07</Value></Distance><Distance Id="Y"><Value>2E-07</Value></Distance>
        </Items></Scaling>
        <DisplaySetting><Channels><Channel Name="no"/><Channel Name="GFP"/></Channels></DisplaySetting>
        </Metadata></ImageDocument>"##;

    #[test]
    fn finds_names_sizes_and_the_interval() {
        let metadata = Metadata::parse(XML).unwrap();
        assert_eq!(metadata.channel_names, [Some("Phase".to_string()), Some("GFP".to_string())]);
        assert_eq!(metadata.scene_names, BTreeMap::from([(4, "D6".to_string())]));
        let [y, x] = metadata.pixel_size_um.unwrap();
        assert!((y - 0.2).abs() < 1e-12 && (x - 0.1).abs() < 1e-12);
        assert_eq!(metadata.frame_interval_s, Some(33.412));
        assert_eq!(metadata.bits_significant, Some(12));
    }

    #[test]
    fn what_is_missing_or_meaningless_is_left_open() {
        assert_eq!(Metadata::parse(" \0").unwrap(), Metadata::default());
        assert_eq!(Metadata::parse("<ImageDocument/>").unwrap(), Metadata::default());
        let zero = XML.replace("1E-07", "0").replace("33.412", "NaN");
        let metadata = Metadata::parse(&zero).unwrap();
        assert_eq!((metadata.pixel_size_um, metadata.frame_interval_s), (None, None));
    }
}
