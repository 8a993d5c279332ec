//! Every key of a configuration once: its name, what it means, and which values it may have.
//!
//! Checks, suggestions and the template all read this table. A test holds it against [`model`](super::model).

use std::ops::Bound::{self, Excluded, Included, Unbounded};

/// One key.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// What it means, in the unit it has; a line of the template for each line.
    pub(super) help: &'static str,
    pub(super) shape: Shape,
    /// Whether it must be there when its section is.
    pub(super) is_required: bool,
}

/// Which values a key may have. Null is always allowed and gives the default.
pub(super) enum Shape {
    /// Keys of its own.
    Section(&'static [Key]),
    /// A list of values of one shape.
    List { items: &'static Shape, is_distinct: bool },
    /// One of a few names.
    Choice { what: &'static str, names: &'static [&'static str] },
    /// True or false.
    Switch,
    /// A whole number within bounds, and why these.
    Whole { min: u64, max: u64, why: &'static str },
    /// A number within bounds, and why these.
    Number { min: Bound<f64>, max: Bound<f64>, why: &'static str },
    /// IDs as `0-5,7`.
    Selection { is_ascending: bool },
    /// An index or a name.
    Channel,
    /// Frame → minutes.
    FrameTimes,
    /// Not ours to read; stands in `processing_config.yaml`.
    Ignored,
}

/// The whole file.
pub(super) const ROOT: &[Key] = &[
    key(
        "fovs",
        "FOVs to process, as \"0-5,7\", in this order; null for all.",
        Shape::Selection { is_ascending: false },
    ),
    key("frames", "Frames to process, as \"0-119\", ascending; null for all.", Shape::Selection { is_ascending: true }),
    key("z", "The Z plane read from every stack.", up_to(u32::MAX as u64, "")),
    key(
        "channels",
        "What to read and measure. A channel is an index from 0 or a name, such as \"GFP\".",
        Shape::Section(CHANNELS),
    ),
    key("params", "Parameters of the stages.", Shape::Section(PARAMS)),
    key("fovflow", "", Shape::Ignored),
    key("source", "", Shape::Ignored),
];

const CHANNELS: &[Key] = &[
    key(
        "pc",
        "The phase-contrast channel, in which cells are found; null for none. For example:\n\
         pc: {channel: 0, features: [area, aspect_ratio]}",
        Shape::Section(&[CHANNEL, features("Features, a CSV column each: area (px), aspect_ratio.", &PC_FEATURE)]),
    ),
    key(
        "fl",
        "Fluorescence channels, any number. For example:\n\
         fl:\n\
         \x20 - {channel: 1, features: [intensity_total, intensity_mean]}",
        Shape::List {
            items: &Shape::Section(&[
                CHANNEL,
                features(
                    "Features, a CSV column each: intensity_total (counts), intensity_mean (counts/px).",
                    &FL_FEATURE,
                ),
            ]),
            is_distinct: false,
        },
    ),
];

const CHANNEL: Key = Key { is_required: true, ..key("channel", "Index or name.", Shape::Channel) };

/// Names of the phase-contrast features.
pub(super) const PC_FEATURES: &[&str] = &["area", "aspect_ratio"];
/// Names of the fluorescence features.
pub(super) const FL_FEATURES: &[&str] = &["intensity_total", "intensity_mean"];

/// What a feature of the phase-contrast channel is called in messages.
pub(super) const PC_FEATURE_WHAT: &str = "phase-contrast feature";
/// What a feature of a fluorescence channel is called in messages.
pub(super) const FL_FEATURE_WHAT: &str = "fluorescence feature";

const PC_FEATURE: Shape = choice(PC_FEATURE_WHAT, PC_FEATURES);
const FL_FEATURE: Shape = choice(FL_FEATURE_WHAT, FL_FEATURES);

const PARAMS: &[Key] = &[
    key("copy_only", "Copy the channels and stop.", Shape::Switch),
    key(
        "batch_size",
        "FOVs admitted at once (a sliding window).",
        from_1(u32::MAX as u64, "without a FOV nothing runs"),
    ),
    key("segmentation", "Stage segment: cells in every phase-contrast frame.", Shape::Section(SEGMENTATION)),
    key("tracking", "Stage track: cells linked from frame to frame.", Shape::Section(TRACKING)),
    key("background", "Stage background: the fluorescence between the cells.", Shape::Section(BACKGROUND)),
    key("extraction", "Stage extract: the table of traces.", Shape::Section(EXTRACTION)),
];

const SEGMENTATION: &[Key] = &[
    key("method", "The algorithm.", choice("method", &["logstd"])),
    key(
        "logstd_window_size",
        "Side of the window of the local standard deviation, in px.",
        Shape::Whole {
            min: 2,
            max: 255,
            why: "a single pixel has no deviation, and the sums of larger windows leave 64 bits",
        },
    ),
    key(
        "threshold",
        "valley: between the two main modes of the histogram; mode_sigma: main mode + 3 standard deviations.",
        choice("threshold", &["valley", "mode_sigma"]),
    ),
    key(
        "cleanup",
        "Steps of cleaning up, in this order; [] for none.",
        Shape::List { items: &choice("clean-up step", &["close", "remove_small", "fill", "open"]), is_distinct: false },
    ),
    key("morph_shape", "Footprint of close and open.", choice("footprint", &["disk", "square"])),
    key(
        "morph_size",
        "Diameter (disk) or side (square) of the footprint, in px.",
        from_1(255, "a larger footprint covers most of a frame"),
    ),
    key(
        "morph_iterations",
        "How often close and open repeat each erosion and dilation.",
        from_1(100, "zero would mean \"until nothing changes\" in scipy, which isn't supported"),
    ),
    key("min_object_size", "Smaller objects are dropped, in px.", up_to(u64::MAX, "")),
    key(
        "max_object_size",
        "Larger objects are dropped, in px; not below min_object_size.",
        from_1(u64::MAX, "otherwise every cell is dropped"),
    ),
];

const TRACKING: &[Key] = &[
    key("method", "The algorithm.", choice("method", &["iou"])),
    key(
        "min_iou",
        "Least IoU of the bounding boxes of two linked regions.",
        number(Excluded(0.0), Included(1.0), "at 0, regions that don't touch would be linked"),
    ),
    key("min_size", "Smaller regions are dropped first, in px; null for no limit.", up_to(u64::MAX, "")),
    key(
        "max_size",
        "Larger regions are dropped first, in px; not below min_size; null for no limit.",
        from_1(u64::MAX, "otherwise every region is dropped"),
    ),
];

const BACKGROUND: &[Key] = &[
    key(
        "tile_size",
        "Side of a tile, in px.",
        Shape::Whole { min: 2, max: 65_536, why: "the background of single pixels is the image" },
    ),
    key(
        "tile_overlap",
        "Overlap of neighbouring tiles, as a share of their side; they start at least 1 px apart.",
        number(Included(0.0), Included(0.95), "the number of tiles grows without bound towards 1"),
    ),
    key(
        "dilation_radius",
        "Radius by which cells are widened before they're masked, in px.",
        up_to(1000, "a wider margin masks whole frames"),
    ),
    key(
        "min_tile_coverage",
        "A tile with a smaller share of unmasked pixels is filled from its neighbours.",
        number(Excluded(0.0), Included(1.0), "a tile without unmasked pixels has no median"),
    ),
];

const EXTRACTION: &[Key] = &[
    key(
        "background_weight",
        "Share of the background that's subtracted; clipped to 0 to 1, with a warning.",
        number(Unbounded, Unbounded, ""),
    ),
    key("min_frames", "Cells in fewer frames are dropped.", up_to(u32::MAX as u64, "")),
    key("border_margin", "Cells that come this close to an edge are dropped, in px.", up_to(u32::MAX as u64, "")),
    key(
        "frame_interval",
        "Minutes between frames; null for what the file says, else 10.",
        number(Excluded(0.0), Unbounded, "time goes on"),
    ),
    key(
        "time_mapping",
        "Frame: minutes, for every selected frame of an unevenly spaced movie; null for even spacing. For example:\n\
         time_mapping: {0: 0.0, 1: 10.0, 2: 25.0}",
        Shape::FrameTimes,
    ),
];

const fn key(name: &'static str, help: &'static str, shape: Shape) -> Key {
    Key { name, help, shape, is_required: false }
}

const fn features(help: &'static str, items: &'static Shape) -> Key {
    key("features", help, Shape::List { items, is_distinct: true })
}

const fn choice(what: &'static str, names: &'static [&'static str]) -> Shape {
    Shape::Choice { what, names }
}

const fn up_to(max: u64, why: &'static str) -> Shape {
    Shape::Whole { min: 0, max, why }
}

const fn from_1(max: u64, why: &'static str) -> Shape {
    Shape::Whole { min: 1, max, why }
}

const fn number(min: Bound<f64>, max: Bound<f64>, why: &'static str) -> Shape {
    Shape::Number { min, max, why }
}

impl Shape {
    /// The keys of a section.
    pub(super) fn keys(&self) -> Option<&'static [Key]> {
        match self {
            Self::Section(keys) => Some(keys),
            _ => None,
        }
    }

    /// The values that are allowed, to follow "expected"; empty where it goes without saying.
    pub(super) fn expected(&self) -> String {
        match self {
            Self::Section(_) => "a mapping of keys to values".to_owned(),
            Self::List { .. } => "a list, such as [a, b]".to_owned(),
            Self::Choice { names, .. } => super::suggest::one_of(names),
            Self::Switch => "true or false".to_owned(),
            Self::Whole { min, max: u64::MAX, .. } => format!("a whole number from {min}"),
            Self::Whole { min, max, .. } => format!("a whole number from {min} to {max}"),
            Self::Number { min, max, .. } => expected_number(*min, *max),
            Self::Selection { .. } => "numbers and ranges such as \"0-5,7\"".to_owned(),
            Self::Channel => "the index or the name of a channel".to_owned(),
            Self::FrameTimes => "a mapping of frames to minutes, such as {0: 0.0, 1: 10.0}".to_owned(),
            Self::Ignored => String::new(),
        }
    }
}

fn expected_number(min: Bound<f64>, max: Bound<f64>) -> String {
    let above = match min {
        Included(min) => format!(" from {min}"),
        Excluded(min) => format!(" above {min}"),
        Unbounded => String::new(),
    };
    let below = match max {
        Included(max) => format!(" up to {max}"),
        Excluded(max) => format!(" below {max}"),
        Unbounded => String::new(),
    };
    format!("a number{above}{below}")
}

/// The paths of all keys below `keys` with this name, in the order of the table.
pub(super) fn paths_of(name: &str, keys: &'static [Key], parent: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for key in keys {
        let path = join(parent, key.name);
        if key.name == name {
            paths.push(path.clone());
        }
        if let Shape::Section(keys) = &key.shape {
            paths.extend(paths_of(name, keys, &path));
        }
    }
    paths
}

/// The shape of the key with this path; `None` where there's none.
pub(super) fn shape_of(path: &str) -> Option<&'static Shape> {
    let mut keys = Some(ROOT);
    let mut shape = None;
    for step in path.split('.') {
        let key = keys?.iter().find(|key| key.name == step)?;
        keys = key.shape.keys();
        shape = Some(&key.shape);
    }
    shape
}

/// The path of a key in a section; the root's path is empty.
pub(super) fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::config::model::*;
    use crate::config::node::{Node, Value};
    use crate::config::yaml;

    /// A configuration with everything in it.
    fn full() -> Config {
        let mut config = Config::default();
        config.channels.pc = Some(PcChannel { channel: ChannelRef::Index(0), features: Vec::new() });
        config.channels.fl = vec![FlChannel { channel: ChannelRef::Index(1), features: Vec::new() }];
        config
    }

    fn assert_same_keys(keys: &[Key], node: &Node, path: &str) {
        let Value::Map(entries) = &node.value else { unreachable!("{path} is a section of the table only") };
        let in_model: Vec<_> = entries.iter().map(|entry| entry.key.as_str()).collect();
        let is_own = |key: &&Key| !matches!(key.shape, Shape::Ignored);
        let in_table: Vec<_> = keys.iter().filter(is_own).map(|key| key.name).collect();
        assert_eq!(in_table, in_model, "below {path:?}");
        for (key, entry) in keys.iter().zip(entries) {
            let path = join(path, key.name);
            match (&key.shape, &entry.node.value) {
                (Shape::Section(keys), _) => assert_same_keys(keys, &entry.node, &path),
                (Shape::List { items: Shape::Section(keys), .. }, Value::List(nodes)) => {
                    assert_same_keys(keys, &nodes[0], &path);
                }
                (_, value) => assert!(!matches!(value, Value::Map(_)), "{path} is a section of the model only"),
            }
        }
    }

    #[test]
    fn the_table_and_the_model_have_the_same_keys_in_the_same_order() {
        assert_same_keys(ROOT, &yaml::tree_of(&full()).unwrap(), "");
    }

    fn assert_variants<T: DeserializeOwned>(names: &[&str]) {
        for name in names {
            serde_json::from_value::<T>((*name).into()).unwrap();
        }
        // serde's own message lists the variants that it knows.
        let message = serde_json::from_value::<T>("?".into()).err().unwrap().to_string();
        let known = message.matches('`').count() / 2 - 1;
        assert_eq!(known, names.len(), "{message}");
    }

    #[test]
    fn the_table_and_the_model_have_the_same_names() {
        assert_variants::<PcFeature>(PC_FEATURES);
        assert_variants::<FlFeature>(FL_FEATURES);
        for key in SEGMENTATION.iter().chain(TRACKING) {
            let names = match &key.shape {
                Shape::Choice { names, .. } | Shape::List { items: Shape::Choice { names, .. }, .. } => *names,
                _ => continue,
            };
            match key.name {
                "method" if names == ["iou"] => assert_variants::<TrackingMethod>(names),
                "method" => assert_variants::<SegmentationMethod>(names),
                "threshold" => assert_variants::<Threshold>(names),
                "cleanup" => assert_variants::<CleanupStep>(names),
                "morph_shape" => assert_variants::<MorphShape>(names),
                other => unreachable!("{other} has names that this test doesn't know"),
            }
        }
    }

    #[test]
    fn a_key_is_found_wherever_it_stands() {
        assert_eq!(paths_of("min_iou", ROOT, ""), ["params.tracking.min_iou"]);
        assert_eq!(paths_of("method", ROOT, ""), ["params.segmentation.method", "params.tracking.method"]);
        assert!(paths_of("nothing", ROOT, "").is_empty());
    }
}
