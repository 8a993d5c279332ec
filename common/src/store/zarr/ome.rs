//! OME-NGFF 0.5 metadata, by which viewers know axes and scale.

use serde_json::{Map, Value, json};

/// The physical size of a voxel of a movie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Minutes between frames.
    pub frame_interval_min: f64,
    /// Micrometres between pixels, down and across; `None` where the source doesn't say.
    pub pixel_size_um: Option<[f64; 2]>,
}

/// The attributes of a channel group: `multiscales` with the full-resolution dataset `0`.
///
/// Level `1` isn't listed: it's scaled to 8 bits for display, and a viewer must not mix it with intensities.
pub fn multiscales(name: &str, scale: Scale) -> Map<String, Value> {
    let space = |axis: &str| match scale.pixel_size_um {
        Some(_) => json!({"name": axis, "type": "space", "unit": "micrometer"}),
        None => json!({"name": axis, "type": "space"}),
    };
    let [dy, dx] = scale.pixel_size_um.unwrap_or([1.0, 1.0]);
    let multiscales = json!([{
        "name": name,
        "axes": [{"name": "t", "type": "time", "unit": "minute"}, space("y"), space("x")],
        "datasets": [{
            "path": "0",
            "coordinateTransformations": [{"type": "scale", "scale": [scale.frame_interval_min, dy, dx]}],
        }],
    }]);
    let mut attributes = Map::new();
    attributes.insert("ome".to_owned(), json!({"version": "0.5", "multiscales": multiscales}));
    attributes
}
