//! Values against each other: what only a whole configuration shows.

use super::check;
use super::error::{ConfigError, Problem, Problems};
use super::model::{ChannelRef, Config};
use super::yaml;

impl Config {
    /// Checks every value and how they fit together. [`Layers::build`](super::Layers::build) has done so already; this is
    /// for a configuration that came another way.
    ///
    /// # Errors
    /// Everything that's wrong.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = Problems::default();
        check::check(&yaml::tree_of(self)?, None, &mut problems);
        for contradiction in contradictions(self) {
            problems.push(Problem::new(&contradiction.paths[0], contradiction.message));
        }
        problems.into_result()
    }
}

/// Values that don't go together.
#[derive(Debug, Clone)]
pub(super) struct Contradiction {
    /// Paths of the values, the first of them being the one to name where nothing tells which is wrong.
    pub(super) paths: Vec<String>,
    pub(super) message: String,
}

impl Contradiction {
    fn new(paths: &[&str], message: impl Into<String>) -> Self {
        Self { paths: paths.iter().map(|path| (*path).to_owned()).collect(), message: message.into() }
    }
}

/// Problems that lie in no value alone.
pub(super) fn contradictions(config: &Config) -> Vec<Contradiction> {
    [not_finite(config), sizes(config), tiles(config), channels(config)].concat()
}

/// JSON has no NaN, so that the check of single values, which reads a configuration as JSON, sees none.
fn not_finite(config: &Config) -> Vec<Contradiction> {
    let params = &config.params;
    let values = [
        ("params.tracking.min_iou", Some(params.tracking.min_iou)),
        ("params.background.tile_overlap", Some(params.background.tile_overlap)),
        ("params.background.min_tile_coverage", Some(params.background.min_tile_coverage)),
        ("params.extraction.background_weight", Some(params.extraction.background_weight)),
        ("params.extraction.frame_interval", params.extraction.frame_interval),
    ];
    let is_bad = |value: Option<f64>| value.is_some_and(|value| !value.is_finite());
    let problem = |path: &str| Contradiction::new(&[path], "expected a finite number");
    values.into_iter().filter(|(_, value)| is_bad(*value)).map(|(path, _)| problem(path)).collect()
}

fn sizes(config: &Config) -> Vec<Contradiction> {
    let mut problems = Vec::new();
    let segmentation = &config.params.segmentation;
    let (min, max) = (segmentation.min_object_size, segmentation.max_object_size);
    if min > max {
        let message =
            format!("min_object_size, {min} px, is above max_object_size, {max} px: every cell would be dropped");
        let paths = ["params.segmentation.min_object_size", "params.segmentation.max_object_size"];
        problems.push(Contradiction::new(&paths, message));
    }
    let tracking = &config.params.tracking;
    if let (Some(min), Some(max)) = (tracking.min_size, tracking.max_size)
        && min > max
    {
        let message = format!("min_size, {min} px, is above max_size, {max} px: every region would be dropped");
        problems.push(Contradiction::new(&["params.tracking.min_size", "params.tracking.max_size"], message));
    }
    problems
}

/// Tiles that start less than 1 px apart would share their rounded centres, through which no spline passes.
fn tiles(config: &Config) -> Vec<Contradiction> {
    let background = &config.params.background;
    let (size, overlap) = (background.tile_size, background.tile_overlap);
    // 10 px that overlap by 0.9 start 1 px apart, although the product rounds to a little less.
    if f64::from(size) * (1.0 - overlap) < 1.0 - 1e-9 {
        let message = format!(
            "tiles of {size} px that overlap by {overlap} start less than 1 px apart; lower tile_overlap or raise tile_size"
        );
        return vec![Contradiction::new(&["params.background.tile_overlap", "params.background.tile_size"], message)];
    }
    Vec::new()
}

/// Channels that are given twice in the same words. Whether an index and a name mean the same, the source will show.
fn channels(config: &Config) -> Vec<Contradiction> {
    let pc = config.channels.pc.iter().map(|pc| ("channels.pc".to_owned(), &pc.channel));
    let fl = config.channels.fl.iter().enumerate().map(|(i, fl)| (format!("channels.fl[{i}]"), &fl.channel));
    let places: Vec<_> = pc.chain(fl).collect();
    repeated_channels(&places, |channel| match channel {
        ChannelRef::Index(index) => index.to_string(),
        ChannelRef::Name(name) => format!("{name:?}"),
    })
}

/// Problems with channels that stand in two places. `places` are paths of channel sections with what they refer to.
pub(super) fn repeated_channels<C: PartialEq>(
    places: &[(String, C)],
    name: impl Fn(&C) -> String,
) -> Vec<Contradiction> {
    let mut problems = Vec::new();
    for (i, (path, channel)) in places.iter().enumerate() {
        let Some((first, _)) = places[..i].iter().find(|(_, earlier)| earlier == channel) else { continue };
        let name = name(channel);
        let message = if first == "channels.pc" {
            format!("channel {name} is the phase-contrast channel already; it can't be a fluorescence channel as well")
        } else {
            format!("channel {name} stands in {first} already; give all its features in one entry")
        };
        problems.push(Contradiction::new(&[&format!("{path}.channel"), path], message));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::{FlChannel, PcChannel};

    fn message(change: impl FnOnce(&mut Config)) -> String {
        let mut config = Config::default();
        change(&mut config);
        config.validate().unwrap_err().to_string()
    }

    fn fl(channel: ChannelRef) -> FlChannel {
        FlChannel { channel, features: Vec::new() }
    }

    #[test]
    fn the_default_is_valid() {
        Config::default().validate().unwrap();
    }

    #[test]
    fn bounds_hold_for_a_configuration_from_elsewhere() {
        let text = message(|config| config.params.batch_size = 0);
        assert_eq!(
            text,
            "params.batch_size: expected a whole number from 1 to 4294967295, found 0: without a FOV nothing runs"
        );
    }

    #[test]
    fn numbers_must_be_finite() {
        for value in [f64::NAN, f64::INFINITY] {
            let text = message(|config| config.params.tracking.min_iou = value);
            assert_eq!(text, "params.tracking.min_iou: expected a finite number");
            let text = message(|config| config.params.extraction.frame_interval = Some(value));
            assert_eq!(text, "params.extraction.frame_interval: expected a finite number");
            let text = message(|config| config.params.extraction.time_mapping = Some([(0, value)].into()));
            assert!(text.starts_with("params.extraction.time_mapping.0: expected the frame's time"), "{text}");
        }
    }

    #[test]
    fn a_minimum_is_not_above_its_maximum() {
        let text = message(|config| config.params.segmentation.min_object_size = 10_001);
        let expected = "params.segmentation.min_object_size: min_object_size, 10001 px, is above max_object_size, 10000 px: every cell would be dropped";
        assert_eq!(text, expected);
        let text =
            message(|config| (config.params.tracking.min_size, config.params.tracking.max_size) = (Some(6), Some(5)));
        assert_eq!(
            text,
            "params.tracking.min_size: min_size, 6 px, is above max_size, 5 px: every region would be dropped"
        );
    }

    #[test]
    fn tiles_start_a_pixel_apart() {
        let mut config = Config::default();
        (config.params.background.tile_size, config.params.background.tile_overlap) = (2, 0.5);
        config.validate().unwrap();
        (config.params.background.tile_size, config.params.background.tile_overlap) = (10, 0.9);
        config.validate().unwrap();
        let text =
            message(|config| (config.params.background.tile_size, config.params.background.tile_overlap) = (2, 0.6));
        assert!(
            text.contains("tiles of 2 px that overlap by 0.6 start less than 1 px apart; lower tile_overlap"),
            "{text}"
        );
    }

    #[test]
    fn a_channel_has_one_place() {
        let text = message(|config| config.channels.fl = vec![fl(ChannelRef::Index(1)), fl(ChannelRef::Index(1))]);
        let expected =
            "channels.fl[1].channel: channel 1 stands in channels.fl[0] already; give all its features in one entry";
        assert_eq!(text, expected);
        let text = message(|config| {
            config.channels.pc = Some(PcChannel { channel: ChannelRef::Name("a".into()), features: Vec::new() });
            config.channels.fl = vec![fl(ChannelRef::Name("a".into()))];
        });
        assert!(
            text.starts_with("channels.fl[0].channel: channel \"a\" is the phase-contrast channel already"),
            "{text}"
        );
    }
}
