//! What a source says about itself, in the form in which it is shown, planned from and written to
//! `processing_config.yaml`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The file formats that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceFormat {
    /// Nikon ND2, version 2 or 3.
    Nd2,
    /// Zeiss CZI.
    Czi,
}

impl fmt::Display for SourceFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            SourceFormat::Nd2 => "nd2",
            SourceFormat::Czi => "czi",
        })
    }
}

/// One field of view: an ND2 position or a CZI scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FovInfo {
    /// ND2: the place among the file's valid positions. CZI: the scene's own index, so that a file from which scenes were
    /// removed has gaps. Files without positions or scenes have one FOV, 0.
    pub id: u32,
    /// The position's or scene's name, such as a well's.
    pub name: Option<String>,
    /// Pixels along y.
    pub height: u32,
    /// Pixels along x.
    pub width: u32,
}

/// One channel, shared by all FOVs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelInfo {
    /// 0-based place in the file.
    pub id: u32,
    /// The channel's name, such as a dye's.
    pub name: Option<String>,
}

/// The metadata of an opened source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// The file format, told from the content.
    pub format: SourceFormat,
    /// The file's name without its folder.
    pub name: String,
    /// The file's length in bytes.
    pub size_bytes: u64,
    /// What the file is, wherever it lies: see [`super::identity`].
    pub identity: String,
    /// The fields of view in the order of their IDs; never empty.
    pub fovs: Vec<FovInfo>,
    /// The channels in the order of their IDs; never empty.
    pub channels: Vec<ChannelInfo>,
    /// Time points, at least 1.
    pub frames: u32,
    /// Z planes, at least 1.
    pub z_planes: u32,
    /// `uint8` or `uint16`: the widest stored type. Planes are always given as `u16`, values kept.
    pub pixel_type: String,
    /// Bits that the camera filled, where the file says so (12 in a 16-bit file, for example).
    pub bits_significant: Option<u32>,
    /// Pixel size in µm as `[y, x]`, where the file has one.
    pub pixel_size_um: Option<[f64; 2]>,
    /// Seconds between time points, where the file has them.
    pub frame_interval_s: Option<f64>,
    /// Codecs of the pixels: `none`, `zlib`, `zstd0` or `zstd1`; several are joined with `+`.
    pub compression: String,
}

impl SourceInfo {
    /// The FOV with this ID.
    pub fn fov(&self, id: u32) -> Option<&FovInfo> {
        self.fovs.iter().find(|fov| fov.id == id)
    }
}

/// Which plane to read. IDs are those of [`SourceInfo`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PlaneIndex {
    /// A [`FovInfo::id`].
    pub fov: u32,
    /// `0..frames`.
    pub frame: u32,
    /// A [`ChannelInfo::id`].
    pub channel: u32,
    /// `0..z_planes`.
    pub z: u32,
}

impl fmt::Display for PlaneIndex {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PlaneIndex { fov, frame, channel, z } = self;
        write!(formatter, "fov {fov}, frame {frame}, channel {channel}, z {z}")
    }
}
