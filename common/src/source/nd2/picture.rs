//! Channels and pixel size of an ND2 file, from chunk `ImageMetadataSeqLV|0!` (version 3) or `ImageMetadataSeq|0!`
//! (version 2), which describes its first frame.

use super::clx::{Document, Value};
use crate::source::error::SourceError;
use crate::source::info::ChannelInfo;

/// What the file says about its picture.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) channels: Vec<ChannelInfo>,
    /// µm per pixel, along both axes.
    pub(super) pixel_size_um: Option<f64>,
}

impl Picture {
    /// From the picture's metadata, or from the attributes where a file has none; `components` is what a pixel holds.
    ///
    /// A colour camera's channel has three components per pixel, so the file's components outnumber its channels.
    pub(super) fn parse(
        picture: Option<&Document>,
        attributes: &Document,
        components: u32,
    ) -> Result<Self, SourceError> {
        let Some(document) = picture else {
            return Self::without_metadata(attributes, components);
        };
        let fields = document.unwrapped("SLxPictureMetadata");
        let Some(planes) = fields.get("sPicturePlanes") else {
            return Self::without_metadata(attributes, components);
        };
        let descriptions = match planes.get("sPlaneNew").map(Value::items) {
            None | Some([]) => planes.get("sPlane").map(Value::items).unwrap_or_default(),
            Some(descriptions) => descriptions,
        };
        let channel_count = planes.get("uiCount").and_then(Value::as_u32).unwrap_or(1);
        let is_colour = |(_, plane): &(String, Value)| plane.get("uiCompCount").and_then(Value::as_u32) > Some(1);
        if components > channel_count || descriptions.iter().any(is_colour) {
            return Err(document.unsupported(
                format!("colour (rgb) pixels: {components} components in {channel_count} channels"),
                "channels of 8- and 16-bit grey",
            ));
        }
        if components < channel_count {
            return Err(document
                .corrupt(format!("it describes {channel_count} channels, but a pixel has {components} components")));
        }
        let channels = (0..components)
            .map(|id| ChannelInfo {
                id,
                name: descriptions.get(id as usize).and_then(|(_, plane)| channel_name(plane)),
            })
            .collect();
        Ok(Self { channels, pixel_size_um: pixel_size_um(fields) })
    }

    fn without_metadata(attributes: &Document, components: u32) -> Result<Self, SourceError> {
        if components != 1 {
            return Err(attributes.corrupt(format!(
                "a pixel has {components} components, and no chunk ImageMetadataSeq says whether they are channels or colours"
            )));
        }
        Ok(Self { channels: vec![ChannelInfo { id: 0, name: None }], pixel_size_um: None })
    }
}

fn channel_name(plane: &Value) -> Option<String> {
    plane.get("sDescription").and_then(Value::as_text).map(str::to_string)
}

fn pixel_size_um(fields: &Value) -> Option<f64> {
    let is_calibrated = fields.get("bCalibrated").and_then(Value::as_bool).unwrap_or(true);
    let size = fields.get("dCalibration").and_then(Value::as_f64)?;
    (is_calibrated && size.is_finite() && size > 0.0).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(items: &[(&str, Value)]) -> Value {
        Value::Level(items.iter().map(|(name, value)| (name.to_string(), value.clone())).collect())
    }

    fn document(value: Value) -> Document {
        Document {
            location: "movie.nd2".to_string(),
            chunk: "chunk ImageMetadataSeqLV|0!".to_string(),
            offset: 0,
            value,
        }
    }

    fn picture(channels: u64, components_of_second: u64, calibrated: bool) -> Document {
        let plane = |name: &str, components: u64| {
            level(&[("sDescription", Value::Text(name.to_string())), ("uiCompCount", Value::UInt(components))])
        };
        let planes = level(&[
            ("uiCount", Value::UInt(channels)),
            ("sPlaneNew", level(&[("a0", plane("Phase", 1)), ("a1", plane(" ", components_of_second))])),
        ]);
        document(level(&[(
            "SLxPictureMetadata",
            level(&[
                ("sPicturePlanes", planes),
                ("dCalibration", Value::Float(0.65)),
                ("bCalibrated", Value::Bool(calibrated)),
            ]),
        )]))
    }

    #[test]
    fn names_channels_and_takes_a_calibration_only_from_a_calibrated_file() {
        let attributes = document(level(&[]));
        let parsed = Picture::parse(Some(&picture(2, 1, true)), &attributes, 2).unwrap();
        let names: Vec<_> = parsed.channels.iter().map(|channel| channel.name.as_deref()).collect();
        assert_eq!(names, [Some("Phase"), None]);
        assert_eq!(parsed.pixel_size_um, Some(0.65));
        let parsed = Picture::parse(Some(&picture(2, 1, false)), &attributes, 2).unwrap();
        assert_eq!(parsed.pixel_size_um, None);
    }

    #[test]
    fn colour_is_told_from_channels() {
        let attributes = document(level(&[]));
        let message = |channels, second, components| {
            let error = Picture::parse(Some(&picture(channels, second, true)), &attributes, components).unwrap_err();
            error.to_string()
        };
        assert!(message(1, 1, 3).contains("colour (rgb)"));
        assert!(message(2, 3, 4).contains("colour (rgb)"));
        assert!(message(3, 1, 2).contains("describes 3 channels"));
        assert_eq!(Picture::parse(None, &attributes, 1).unwrap().channels.len(), 1);
        assert!(Picture::parse(None, &attributes, 3).is_err());
    }
}
