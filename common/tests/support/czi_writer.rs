//! Writes CZI files.

/// A subblock: a whole plane or a tile of one.
#[derive(Clone, Debug)]
pub(crate) struct Subblock {
    pub(crate) scene: Option<i32>,
    pub(crate) time: i32,
    pub(crate) channel: i32,
    pub(crate) z: i32,
    pub(crate) mosaic: Option<i32>,
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// The file's number: 0 Gray8, 1 Gray16.
    pub(crate) pixel_type: i32,
    /// The file's number: 0 none, 5 zstd0, 6 zstd1.
    pub(crate) codec: i32,
    pub(crate) pixels: Vec<u16>,
    /// Another dimension and its value.
    pub(crate) extra: Option<(u8, i32)>,
    /// Bytes to store instead of the coded pixels.
    pub(crate) stored: Option<Vec<u8>>,
}

impl Subblock {
    /// An uncompressed 16-bit subblock at (0, 0) of the first plane, without a scene.
    pub(crate) fn new(width: u32, height: u32, pixels: Vec<u16>) -> Self {
        Self {
            scene: None,
            time: 0,
            channel: 0,
            z: 0,
            mosaic: None,
            x: 0,
            y: 0,
            width,
            height,
            pixel_type: 1,
            codec: 0,
            pixels,
            extra: None,
            stored: None,
        }
    }

    fn stored_bytes(&self) -> Vec<u8> {
        if let Some(stored) = &self.stored {
            return stored.clone();
        }
        let sample_bytes = if self.pixel_type == 0 { 1 } else { 2 };
        let bytes: Vec<u8> =
            self.pixels.iter().flat_map(|pixel| pixel.to_le_bytes()[..sample_bytes].to_vec()).collect();
        match self.codec {
            5 => zstd::bulk::compress(&bytes, 3).unwrap(),
            6 if sample_bytes == 2 => {
                let low = bytes.iter().step_by(2);
                let high = bytes.iter().skip(1).step_by(2);
                let split: Vec<u8> = low.chain(high).copied().collect();
                [vec![3, 1, 1], zstd::bulk::compress(&split, 3).unwrap()].concat()
            }
            6 => [vec![1], zstd::bulk::compress(&bytes, 3).unwrap()].concat(),
            _ => bytes,
        }
    }

    fn entry(&self, position: u64) -> Vec<u8> {
        let mut dimensions = vec![
            (b'X', self.x, self.width as i32),
            (b'Y', self.y, self.height as i32),
            (b'C', self.channel, 1),
            (b'T', self.time, 1),
            (b'Z', self.z, 1),
        ];
        let optional = [(b'S', self.scene), (b'M', self.mosaic)];
        dimensions.extend(optional.iter().filter_map(|(code, value)| value.map(|value| (*code, value, 1))));
        dimensions.extend(self.extra.map(|(code, value)| (code, value, 1)));
        let mut bytes = b"DV".to_vec();
        bytes.extend(self.pixel_type.to_le_bytes());
        bytes.extend(position.to_le_bytes());
        bytes.extend(0_i32.to_le_bytes());
        bytes.extend(self.codec.to_le_bytes());
        bytes.extend([0; 6]);
        bytes.extend((dimensions.len() as i32).to_le_bytes());
        for (code, start, size) in dimensions {
            bytes.extend([code, 0, 0, 0]);
            bytes.extend(start.to_le_bytes());
            bytes.extend(size.to_le_bytes());
            bytes.extend(0_f32.to_le_bytes());
            bytes.extend(size.to_le_bytes());
        }
        bytes
    }
}

/// A file of these subblocks, with this XML and these time stamps (none if empty).
pub(crate) fn czi(subblocks: &[Subblock], xml: &str, time_stamps_s: &[f64]) -> Vec<u8> {
    let mut file = vec![0; 32 + 512];
    let mut entries = Vec::new();
    for subblock in subblocks {
        let entry = subblock.entry(file.len() as u64);
        let stored = subblock.stored_bytes();
        let mut data = [0_u32.to_le_bytes(), 0_u32.to_le_bytes()].concat();
        data.extend((stored.len() as u64).to_le_bytes());
        data.extend(&entry);
        data.resize(data.len().max(256), 0);
        data.extend(stored);
        segment(&mut file, b"ZISRAWSUBBLOCK", &data);
        entries.push(entry);
    }
    let directory_offset = fixed_segment(&mut file, b"ZISRAWDIRECTORY", entries.len() as u32, 128, &entries.concat());
    let metadata_offset = fixed_segment(&mut file, b"ZISRAWMETADATA", xml.len() as u32, 256, xml.as_bytes());
    let attachments_offset = if time_stamps_s.is_empty() { 0 } else { time_stamps(&mut file, time_stamps_s) };

    let mut header = Vec::new();
    header.extend(1_i32.to_le_bytes());
    header.resize(52, 0);
    header.extend(directory_offset.to_le_bytes());
    header.extend(metadata_offset.to_le_bytes());
    header.extend(0_i32.to_le_bytes());
    header.extend(attachments_offset.to_le_bytes());
    header.resize(512, 0);
    let mut first = Vec::new();
    segment(&mut first, b"ZISRAWFILE", &header);
    file[..first.len()].copy_from_slice(&first);
    file
}

fn time_stamps(file: &mut Vec<u8>, seconds: &[f64]) -> u64 {
    let mut table = [0_i32.to_le_bytes(), (seconds.len() as i32).to_le_bytes()].concat();
    table.extend(seconds.iter().flat_map(|time| time.to_le_bytes()));
    let attachment_offset = fixed_segment(file, b"ZISRAWATTACH", table.len() as u32, 256, &table);
    let mut entry = b"A1".to_vec();
    entry.resize(12, 0);
    entry.extend(attachment_offset.to_le_bytes());
    entry.resize(40, 0);
    entry.extend(b"CZTIMS\0\0TimeStamps");
    entry.resize(128, 0);
    fixed_segment(file, b"ZISRAWATTDIR", 1, 256, &entry)
}

/// A segment whose data are a number, filled up to `fixed` bytes, and a payload; gives its position.
fn fixed_segment(file: &mut Vec<u8>, name: &[u8], number: u32, fixed: usize, payload: &[u8]) -> u64 {
    let offset = file.len() as u64;
    let mut data = number.to_le_bytes().to_vec();
    data.resize(fixed, 0);
    data.extend(payload);
    segment(file, name, &data);
    offset
}

fn segment(file: &mut Vec<u8>, name: &[u8], data: &[u8]) {
    let start = file.len();
    file.extend(name);
    file.resize(start + 16, 0);
    file.extend((data.len() as u64).to_le_bytes());
    file.extend((data.len() as u64).to_le_bytes());
    file.extend(data);
}
