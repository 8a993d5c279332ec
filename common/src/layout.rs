//! The output tree: every key of SPEC.md section 4, once.
//!
//! Keys are relative to the output root and use `/` on every platform. Nothing outside this module builds one.

use crate::ids::RunId;
use crate::plan::Stage;

/// What the resolved configuration and the source's metadata are written to.
pub const PROCESSING_CONFIG: &str = "processing_config.yaml";

/// Bookkeeping: commits, run specifications, staging. Not part of the result, and different on every machine.
pub const BOOKKEEPING: &str = ".fovflow";

/// Where the local store stages a file before it's renamed into place.
pub const STAGING: &str = ".fovflow/staging";

/// The file that a process locks while it works on a local output.
pub const LOCK: &str = ".fovflow/lock";

/// The folder of one FOV.
pub fn fov(fov: u32) -> String {
    format!("fov_{fov:03}")
}

/// Whether a folder's name is that of a FOV.
pub fn is_fov(folder: &str) -> bool {
    let digits = folder.strip_prefix("fov_").unwrap_or_default();
    digits.len() >= 3 && digits.chars().all(|c| c.is_ascii_digit())
}

/// The group of one FOV's full-frame arrays.
pub fn images(fov: u32) -> String {
    format!("fov_{fov:03}/images.zarr")
}

/// The group of one channel in `images.zarr`; its levels are `0` and `1` below it.
pub fn image_channel(fov: u32, channel: &str) -> String {
    format!("fov_{fov:03}/images.zarr/{channel}")
}

/// The group of one FOV's crops.
pub fn cells(fov: u32) -> String {
    format!("fov_{fov:03}/cells.zarr")
}

/// An array or group of `cells.zarr/metadata`; an empty name is the group itself.
pub fn cells_metadata(fov: u32, array: &str) -> String {
    let group = format!("fov_{fov:03}/cells.zarr/metadata");
    if array.is_empty() { group } else { format!("{group}/{array}") }
}

/// The group of one channel of crops.
pub fn cells_channel(fov: u32, channel: &str) -> String {
    format!("fov_{fov:03}/cells.zarr/{channel}")
}

/// The group of one cell's crop in one channel; its levels are `0` and `1` below it.
pub fn cell(fov: u32, channel: &str, cell_id: u32) -> String {
    format!("fov_{fov:03}/cells.zarr/{channel}/{cell_id}")
}

/// A resolution level of a channel or crop group: 0 is full resolution, 1 is for display.
pub fn level(group: &str, level: u8) -> String {
    format!("{group}/{level}")
}

/// The table of traces of one FOV. `basename` is the source's file name without its extension; control characters in it, which
/// no object store takes in a key, become `_`.
pub fn traces(fov: u32, basename: &str) -> String {
    let basename = basename.replace(char::is_control, "_");
    format!("fov_{fov:03}/{basename}_fov_{fov:03}_traces.csv")
}

/// The commit of a stage of a FOV.
pub fn commit(fov: u32, stage: Stage) -> String {
    format!("{BOOKKEEPING}/commits/fov_{fov:03}/{}.json", stage.name())
}

/// All commits.
pub fn commits() -> String {
    format!("{BOOKKEEPING}/commits")
}

/// The specification of a run.
pub fn run_spec(run: &RunId) -> String {
    format!("{BOOKKEEPING}/runs/{run}/spec.json")
}

/// `pc_ch_0`: phase contrast as copied.
pub fn pc(channel: u32) -> String {
    format!("pc_ch_{channel}")
}

/// `fl_ch_1`: fluorescence as copied.
pub fn fl(channel: u32) -> String {
    format!("fl_ch_{channel}")
}

/// `fl_background_ch_1`: the estimated background.
pub fn fl_background(channel: u32) -> String {
    format!("fl_background_ch_{channel}")
}

/// `seg_labeled_ch_0`: cells numbered within each frame.
pub fn seg_labeled(channel: u32) -> String {
    format!("seg_labeled_ch_{channel}")
}

/// `seg_tracked_ch_0`: cells numbered consistently over time.
pub fn seg_tracked(channel: u32) -> String {
    format!("seg_tracked_ch_{channel}")
}

/// The channel of crops that holds each cell's own mask.
pub const MASK: &str = "mask";

/// A source's file name without its last extension, as it stands in the name of the traces.
pub fn basename(file_name: &str) -> &str {
    match file_name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file_name,
    }
}

/// The object by which an output is known to be there: a file itself, or a Zarr node's metadata document.
pub fn evidence(output: &str) -> String {
    let is_file = output.ends_with(".csv") || output.ends_with("/zarr.json");
    if is_file { output.to_owned() } else { zarr_document(output) }
}

/// The metadata document of a Zarr array or group.
pub fn zarr_document(node: &str) -> String {
    format!("{node}/zarr.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_source() {
        assert_eq!(basename("a movie.v2.czi"), "a movie.v2");
        assert_eq!(basename("movie"), "movie");
        assert_eq!(basename(".czi"), ".czi");
        assert_eq!(traces(7, "a#1 [é]\n"), "fov_007/a#1 [é]__fov_007_traces.csv");
        assert_eq!(fov(1234), "fov_1234");
        assert!(is_fov(&fov(0)) && is_fov(&fov(1234)));
        assert!(!is_fov("fov_00x") && !is_fov("fov_") && !is_fov("notes"));
    }
}
