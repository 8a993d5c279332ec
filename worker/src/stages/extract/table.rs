//! The text of the table: header and rows.

use std::fmt::Write;

use fovflow_common::config::{FlFeature, PcFeature, ResolvedConfig};

use super::features::Value;

const BASE_COLUMNS: &str = "fov,cell,frame,good,position_x,position_y,bbox_x0,bbox_y0,bbox_x1,bbox_y1";

/// The header line. Without a phase-contrast channel there are no cells, and so no features.
pub(super) fn header(config: &ResolvedConfig) -> String {
    let mut header = BASE_COLUMNS.to_owned();
    let Some(pc) = &config.pc else { return header + "\n" };
    for feature in &pc.features {
        let name = match feature {
            PcFeature::Area => "area",
            PcFeature::AspectRatio => "aspect_ratio",
        };
        push_column(&mut header, name, pc.channel);
    }
    for fl in &config.fl {
        for feature in &fl.features {
            let name = match feature {
                FlFeature::IntensityTotal => "intensity_total",
                FlFeature::IntensityMean => "intensity_mean",
            };
            push_column(&mut header, name, fl.channel);
        }
    }
    header + "\n"
}

fn push_column(header: &mut String, feature: &str, channel: u32) {
    write!(header, ",{feature}_ch_{channel}").expect("writing to a string cannot fail");
}

/// What identifies a row.
pub(super) struct Row {
    pub(super) fov: u32,
    pub(super) cell: i32,
    pub(super) frame: u32,
    /// `[y0, x0, y1, x1]`.
    pub(super) bbox: [i32; 4],
}

impl Row {
    /// Appends the row. Floats are printed with the fewest digits that parse back to the same value.
    pub(super) fn write(&self, values: &[Value], text: &mut String) {
        let [y0, x0, y1, x1] = self.bbox;
        let (x, y) = (f64::from(x0 + x1) / 2.0, f64::from(y0 + y1) / 2.0);
        let (fov, cell, frame) = (self.fov, self.cell, self.frame);
        write!(text, "{fov},{cell},{frame},True,{x:?},{y:?},{x0},{y0},{x1},{y1}")
            .expect("writing to a string cannot fail");
        for value in values {
            match value {
                Value::Count(count) => write!(text, ",{count}"),
                Value::Number(Some(number)) if number.is_finite() => write!(text, ",{number:?}"),
                Value::Number(_) => write!(text, ","),
            }
            .expect("writing to a string cannot fail");
        }
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_reads_as_specified() {
        let row = Row { fov: 2, cell: 7, frame: 40, bbox: [165, 85, 236, 115] };
        let mut text = String::new();
        row.write(&[Value::Count(450), Value::Number(Some(0.1 + 0.2)), Value::Number(None)], &mut text);
        assert_eq!(text, "2,7,40,True,100.0,200.5,85,165,115,236,450,0.30000000000000004,\n");
    }
}
