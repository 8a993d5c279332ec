//! Writes ND2 files of version 3.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// A loop of the experiment.
#[derive(Clone, Debug)]
pub(crate) enum Loop {
    Time {
        count: u32,
        period_ms: f64,
    },
    /// Names, and whether each position was ticked.
    Positions(Vec<(&'static str, bool)>),
    Z(u32),
}

/// What to write. Frames hold all channels, interleaved.
#[derive(Clone, Debug)]
pub(crate) struct Nd2 {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) channels: Vec<&'static str>,
    pub(crate) bits: u32,
    /// Bytes after the pixels of each row.
    pub(crate) row_padding: u32,
    pub(crate) is_compressed: bool,
    /// Outermost first.
    pub(crate) loops: Vec<Loop>,
    /// Samples of each frame: `frame[(y * width + x) * channels + c]`; `None` leaves the frame out.
    pub(crate) frames: Vec<Option<Vec<u16>>>,
    /// What the attributes state; the number of frames if `None`.
    pub(crate) sequence_count: Option<u32>,
    /// Components per pixel that the attributes state; the number of channels if `None`.
    pub(crate) components: Option<u32>,
    /// Milliseconds, one per frame; none if empty.
    pub(crate) time_stamps_ms: Vec<f64>,
}

impl Nd2 {
    /// One 16-bit channel without loops.
    pub(crate) fn new(width: u32, height: u32, frames: Vec<Vec<u16>>) -> Self {
        Self {
            width,
            height,
            channels: vec!["Phase"],
            bits: 16,
            row_padding: 0,
            is_compressed: false,
            loops: Vec::new(),
            frames: frames.into_iter().map(Some).collect(),
            sequence_count: None,
            components: None,
            time_stamps_ms: Vec::new(),
        }
    }

    /// The file.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut file = File::default();
        let mut version = b"Ver3.0".to_vec();
        version.resize(64, 0);
        file.chunk("ND2 FILE SIGNATURE CHUNK NAME01!", 32, &version);
        if !self.loops.is_empty() {
            file.chunk("ImageMetadataLV!", 20, &level("SLxExperiment", &experiment(&self.loops)));
        }
        file.chunk("ImageMetadataSeqLV|0!", 24, &level("SLxPictureMetadata", &self.picture()));
        for (number, frame) in self.frames.iter().enumerate() {
            if let Some(samples) = frame {
                let mut data = 0_f64.to_le_bytes().to_vec();
                data.extend(self.frame_bytes(samples));
                file.chunk(&format!("ImageDataSeq|{number}!"), 4072, &data);
            }
        }
        if !self.time_stamps_ms.is_empty() {
            let table: Vec<u8> = self.time_stamps_ms.iter().flat_map(|time| time.to_le_bytes()).collect();
            file.chunk("CustomData|AcqTimesCache!", 32, &table);
        }
        file.chunk("ImageAttributesLV!", 20, &level("SLxImageAttributes", &self.attributes()));
        file.finish()
    }

    fn row_bytes(&self) -> u32 {
        self.width * self.channels.len() as u32 * (self.bits / 8) + self.row_padding
    }

    fn frame_bytes(&self, samples: &[u16]) -> Vec<u8> {
        let row_samples = self.width as usize * self.channels.len();
        let mut bytes = Vec::new();
        for row in samples.chunks(row_samples) {
            for sample in row {
                bytes.extend(&sample.to_le_bytes()[..(self.bits / 8).min(2) as usize]);
            }
            bytes.extend(vec![0xee; self.row_padding as usize]);
        }
        if !self.is_compressed {
            return bytes;
        }
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn attributes(&self) -> Vec<Vec<u8>> {
        vec![
            uint("uiWidth", self.width),
            uint("uiWidthBytes", self.row_bytes()),
            uint("uiHeight", self.height),
            uint("uiComp", self.components.unwrap_or(self.channels.len() as u32)),
            uint("uiBpcInMemory", self.bits),
            uint("uiBpcSignificant", self.bits),
            uint("uiSequenceCount", self.sequence_count.unwrap_or(self.frames.len() as u32)),
            item(2, "eCompression", &(if self.is_compressed { 0_i32 } else { 2 }).to_le_bytes()),
        ]
    }

    fn picture(&self) -> Vec<Vec<u8>> {
        let planes: Vec<_> = self
            .channels
            .iter()
            .enumerate()
            .map(|(index, name)| level(&format!("a{index}"), &[uint("uiCompCount", 1), text("sDescription", name)]))
            .collect();
        let planes = level("sPlaneNew", &planes);
        vec![
            double("dCalibration", 0.65),
            item(1, "bCalibrated", &[1]),
            level("sPicturePlanes", &[uint("uiCount", self.channels.len() as u32), planes]),
        ]
    }
}

/// The bytes so far, and the entries of the map.
#[derive(Default)]
struct File {
    bytes: Vec<u8>,
    map: Vec<u8>,
}

impl File {
    fn chunk(&mut self, name: &str, name_bytes: usize, data: &[u8]) {
        let offset = self.bytes.len() as u64;
        self.map.extend(name.as_bytes());
        self.map.extend(offset.to_le_bytes());
        self.map.extend((data.len() as u64).to_le_bytes());
        self.write(name, name_bytes, data);
    }

    fn write(&mut self, name: &str, name_bytes: usize, data: &[u8]) {
        self.bytes.extend([0xda, 0xce, 0xbe, 0x0a]);
        self.bytes.extend((name_bytes as u32).to_le_bytes());
        self.bytes.extend((data.len() as u64).to_le_bytes());
        let name_end = self.bytes.len() + name_bytes;
        self.bytes.extend(name.as_bytes());
        self.bytes.resize(name_end, 0);
        self.bytes.extend(data);
    }

    fn finish(mut self) -> Vec<u8> {
        let signature = b"ND2 CHUNK MAP SIGNATURE 0000001!";
        let map_offset = self.bytes.len() as u64;
        let mut map = std::mem::take(&mut self.map);
        map.extend(signature);
        map.extend(map_offset.to_le_bytes());
        self.write("ND2 FILEMAP SIGNATURE NAME 0001!", 32, &map);
        self.bytes
    }
}

/// The items of the outermost loop, with the others within it.
fn experiment(loops: &[Loop]) -> Vec<Vec<u8>> {
    let Some((outer, inner)) = loops.split_first() else {
        return Vec::new();
    };
    let mut items = match outer {
        Loop::Time { count, period_ms } => {
            let times = [("dStart", 0.0), ("dPeriod", *period_ms), ("dDuration", 0.0)];
            let mut parameters = vec![uint("uiCount", *count)];
            parameters.extend(times.map(|(name, time)| double(name, time)));
            vec![uint("eType", 1), level("uLoopPars", &parameters)]
        }
        Loop::Z(count) => vec![uint("eType", 4), level("uLoopPars", &[uint("uiCount", *count)])],
        Loop::Positions(positions) => {
            let point = |name: &str| level("", &[double("dPosX", 1.0), text("dPosName", name)]);
            let points: Vec<_> = positions.iter().map(|(name, _)| point(name)).collect();
            let valid: Vec<u8> = positions.iter().map(|(_, is_ticked)| u8::from(*is_ticked)).collect();
            let mut valid_item = (valid.len() as u64).to_le_bytes().to_vec();
            valid_item.extend(valid);
            let count = uint("uiCount", positions.len() as u32);
            vec![
                uint("eType", 2),
                level("uLoopPars", &[count, level("Points", &points)]),
                item(9, "pItemValid", &valid_item),
            ]
        }
    };
    if !inner.is_empty() {
        items.push(level("ppNextLevelEx", &[level("", &experiment(inner))]));
    }
    items
}

fn uint(name: &str, value: u32) -> Vec<u8> {
    item(3, name, &value.to_le_bytes())
}

fn double(name: &str, value: f64) -> Vec<u8> {
    item(6, name, &value.to_le_bytes())
}

fn text(name: &str, value: &str) -> Vec<u8> {
    let units: Vec<u8> = value.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    item(8, name, &units)
}

fn item(type_byte: u8, name: &str, value: &[u8]) -> Vec<u8> {
    let units: Vec<u16> = name.encode_utf16().chain([0]).collect();
    let mut bytes = vec![type_byte, units.len() as u8];
    bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
    bytes.extend(value);
    bytes
}

fn level(name: &str, items: &[Vec<u8>]) -> Vec<u8> {
    let content = items.concat();
    let header_bytes = item(11, name, &[]).len() + 12;
    let mut value = (items.len() as u32).to_le_bytes().to_vec();
    value.extend(((header_bytes + content.len()) as u64).to_le_bytes());
    value.extend(content);
    value.extend(vec![0; 8 * items.len()]);
    item(11, name, &value)
}
