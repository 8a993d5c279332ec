//! Zeiss CZI.
//!
//! A file is a chain of segments; the first names the others (`segment`). The subblock directory tells which piece of
//! which plane lies where (`directory`); a subblock holds one piece (`subblock`), uncompressed or in zstd (`codec`). XML
//! holds names and sizes (`metadata`), and an attachment the time stamps (`attachments`).
//!
//! Choices where the format leaves some:
//! - A FOV is a scene; its ID is the file's own index of the scene (so that a file from which scenes were removed has gaps),
//!   its size the box around its own tiles in full resolution. A file without scenes has one FOV, 0. Time, channels and Z are
//!   counted from the file's first, wherever that starts.
//! - A plane of several tiles is composed in the order of their M index, later ones on top, as Zeiss's reader does. What no
//!   tile covers is 0, as there: the scene's box isn't always full. A plane without any tile is an error, and so is one whose
//!   tiles cover less than 1/256 of the box, as of a damaged position.
//! - The layers of the pyramid, stored smaller than what they show, are passed over.
//! - Phases, rotations, illuminations, views and blocks (H, R, I, V, B) may have one value; several are an error.
//! - Channels may differ in bits: each is widened for itself.
//! - Pixels must decode to their exact length. Zeiss's reader pads what is short with zeros.

mod attachments;
mod codec;
mod directory;
mod metadata;
mod segment;
mod subblock;

use ndarray::{Array2, Axis};

pub(super) use self::segment::FILE_MAGIC;

use self::directory::{Directory, Scene, Tile};
use self::metadata::Metadata;
use super::error::SourceError;
use super::identity::identity;
use super::info::{ChannelInfo, FovInfo, PlaneIndex, SourceFormat, SourceInfo};
use super::pixels::{PixelLayout, PixelType, copy_pixels};
use super::range_reader::RangeRead;
use super::{Source, check_plane, file_name};

/// How many times larger than its tiles a plane may be.
const MAX_SPARSENESS: u64 = 256;

/// An opened CZI file.
pub struct CziSource {
    reader: Box<dyn RangeRead>,
    info: SourceInfo,
    directory: Directory,
}

impl CziSource {
    /// Reads the file's directory and metadata.
    ///
    /// # Errors
    /// Any [`SourceError`] but `OutOfRange` and `MissingPlane`.
    pub fn open(reader: Box<dyn RangeRead>) -> Result<Self, SourceError> {
        let header = segment::read_file_header(reader.as_ref())?;
        let directory = Directory::read(reader.as_ref(), header.directory_offset)?;
        let metadata = Metadata::read(reader.as_ref(), header.metadata_offset)?;
        let frames = directory.time.count;
        let stamped_interval_s = attachments::frame_interval_s(reader.as_ref(), header.attachments_offset, frames)?;

        // A file that was cut off ends within its last subblock more often than anywhere else.
        if let Some(last) = directory.tiles().iter().max_by_key(|tile| tile.position) {
            subblock::locate(reader.as_ref(), last)?;
        }
        let info = SourceInfo {
            format: SourceFormat::Czi,
            name: file_name(reader.location()),
            size_bytes: reader.len(),
            identity: identity(reader.as_ref())?,
            fovs: directory.scenes.iter().map(|scene| fov_info(scene, &metadata)).collect(),
            channels: channels(&directory, &metadata),
            frames,
            z_planes: directory.z.count,
            pixel_type: widest_pixel_type(directory.tiles()).name().to_string(),
            bits_significant: metadata.bits_significant,
            pixel_size_um: metadata.pixel_size_um,
            frame_interval_s: metadata.frame_interval_s.or(stamped_interval_s).filter(|_| frames > 1),
            compression: codec_names(directory.tiles()),
        };
        Ok(Self { reader, info, directory })
    }

    /// Decodes one tile.
    fn read_tile(&self, tile: &Tile) -> Result<Array2<u16>, SourceError> {
        let bytes = subblock::read_pixels(self.reader.as_ref(), tile)?;
        let pixel_step = tile.pixel_type.bytes();
        let layout = PixelLayout { first: 0, pixel_step, row_step: tile.width as usize * pixel_step };
        let mut pixels = Array2::zeros((tile.height as usize, tile.width as usize));
        copy_pixels(&bytes, tile.pixel_type, layout, pixels.view_mut()).ok_or_else(|| {
            let detail = format!("its {} bytes end before the last pixel", bytes.len());
            segment::corrupt(self.reader.as_ref(), "the pixels of a subblock", tile.position, detail)
        })?;
        Ok(pixels)
    }

    /// Puts the tiles of one plane together, later ones on top.
    fn compose(&self, scene: &Scene, tiles: &[Tile], plane: PlaneIndex) -> Result<Array2<u16>, SourceError> {
        let covered: u64 = tiles.iter().map(|tile| u64::from(tile.width) * u64::from(tile.height)).sum();
        let area = u64::from(scene.width) * u64::from(scene.height);
        if area / MAX_SPARSENESS > covered {
            let what = format!("the mosaic of {plane}");
            let detail = format!(
                "its tiles cover {covered} of {} x {} pixels; expected at least one in {MAX_SPARSENESS}",
                scene.height, scene.width
            );
            return Err(segment::corrupt(self.reader.as_ref(), &what, tiles[0].position, detail));
        }
        let mut mosaic: Option<Array2<u16>> = None;
        for tile in tiles {
            let pixels = self.read_tile(tile)?;
            // Allocated once a tile has proved to be there. No tile leaves the scene's box, which was drawn around them.
            let shape = (scene.height as usize, scene.width as usize);
            let mosaic = mosaic.get_or_insert_with(|| Array2::zeros(shape));
            let top = (i64::from(tile.y) - i64::from(scene.y)) as usize;
            let left = (i64::from(tile.x) - i64::from(scene.x)) as usize;
            let (height, width) = pixels.dim();
            let mut target = mosaic.slice_each_axis_mut(|axis| match axis.axis {
                Axis(0) => (top..top + height).into(),
                _ => (left..left + width).into(),
            });
            target.assign(&pixels);
        }
        mosaic.ok_or_else(|| self.missing(plane))
    }

    fn missing(&self, plane: PlaneIndex) -> SourceError {
        SourceError::MissingPlane {
            location: self.reader.location().to_string(),
            plane,
            detail: "the directory lists no subblock of it in full resolution".to_string(),
        }
    }
}

impl Source for CziSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn read_plane(&mut self, plane: PlaneIndex) -> Result<Array2<u16>, SourceError> {
        let fov_index = check_plane(&self.info, plane)?;
        let scene = &self.directory.scenes[fov_index];
        match self.directory.plane_tiles(scene, plane.frame, plane.channel, plane.z) {
            [] => Err(self.missing(plane)),
            [tile] if (tile.width, tile.height) == (scene.width, scene.height) => self.read_tile(tile),
            tiles => self.compose(scene, tiles, plane),
        }
    }
}

fn fov_info(scene: &Scene, metadata: &Metadata) -> FovInfo {
    FovInfo {
        id: scene.index,
        name: metadata.scene_names.get(&scene.index).cloned(),
        height: scene.height,
        width: scene.width,
    }
}

/// Names go by order where the XML has as many channels as the pixels, else by the file's own number of the channel.
fn channels(directory: &Directory, metadata: &Metadata) -> Vec<ChannelInfo> {
    let names = &metadata.channel_names;
    let count = directory.channel.count;
    let offset = if names.len() == count as usize { 0 } else { directory.channel.first };
    (0..count)
        .map(|id| {
            let index = usize::try_from(i64::from(id) + i64::from(offset)).ok();
            ChannelInfo { id, name: index.and_then(|index| names.get(index).cloned()).flatten() }
        })
        .collect()
}

fn widest_pixel_type(tiles: &[Tile]) -> PixelType {
    tiles.iter().map(|tile| tile.pixel_type).max().unwrap_or(PixelType::Uint8)
}

fn codec_names(tiles: &[Tile]) -> String {
    let mut codecs: Vec<_> = tiles.iter().map(|tile| tile.codec).collect();
    codecs.sort();
    codecs.dedup();
    let names: Vec<_> = codecs.into_iter().map(|codec| codec.name()).collect();
    names.join("+")
}
