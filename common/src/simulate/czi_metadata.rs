//! The XML metadata of a simulated CZI: sizes, channels, scenes, scaling and time interval.

use std::fmt::Write;

use super::czi_writer::{CziLayout, PixelType};

/// The metadata document of a file with this layout.
pub(super) fn xml(layout: &CziLayout) -> String {
    let (pixel_type, bits) = match layout.pixel_type {
        PixelType::Gray8 => ("Gray8", 8),
        PixelType::Gray16 => ("Gray16", 16),
    };
    let origins = layout.scene_origins();
    let corners = origins.iter().zip(&layout.scenes);
    let bottom = corners.clone().map(|(o, s)| o.0 + s.0).max().unwrap_or(0);
    let right = corners.map(|(o, s)| o.1 + s.1).max().unwrap_or(0);
    let sizes = [
        ("X", right),
        ("Y", bottom),
        ("Z", layout.slices),
        ("C", layout.channels.len() as u32),
        ("T", layout.frames),
        ("S", layout.scenes.len() as u32),
    ];

    let mut size_elements = String::new();
    for (name, size) in sizes {
        push(&mut size_elements, format_args!("<Size{name}>{size}</Size{name}>"));
    }
    let (channels, display) = channel_elements(layout, pixel_type, bits);
    let scenes = scene_elements(layout);
    let interval = layout.frame_interval_s;
    let dimensions = format!(
        "<Channels>{channels}</Channels>\
         <T><Positions><Interval><Start>0</Start><Increment>{interval}</Increment></Interval></Positions></T>\
         <S><Scenes>{scenes}</Scenes></S>"
    );
    let image = format!(
        "<Image>{size_elements}<ComponentBitCount>{bits}</ComponentBitCount><PixelType>{pixel_type}</PixelType>\
         <Dimensions>{dimensions}</Dimensions></Image>"
    );
    let application = format!(
        "<Application><Name>fovflow simulate</Name><Version>{}</Version></Application>",
        env!("CARGO_PKG_VERSION")
    );
    let scaling = scaling_elements(layout.pixel_size_um);
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <ImageDocument><Metadata><Information>{application}{image}</Information>{scaling}\
         <DisplaySetting><Channels>{display}</Channels></DisplaySetting></Metadata></ImageDocument>"
    )
}

/// The channels for the image and for its display.
fn channel_elements(layout: &CziLayout, pixel_type: &str, bits: u32) -> (String, String) {
    let mut image = String::new();
    let mut display = String::new();
    for (index, name) in layout.channels.iter().enumerate() {
        let name = escape(name);
        push(
            &mut image,
            format_args!(
                "<Channel Id=\"Channel:{index}\" Name=\"{name}\"><PixelType>{pixel_type}</PixelType>\
                 <ComponentBitCount>{bits}</ComponentBitCount></Channel>"
            ),
        );
        push(&mut display, format_args!("<Channel Id=\"Channel:{index}\" Name=\"{name}\"></Channel>"));
    }
    (image, display)
}

/// The scenes with the centres of their rectangles, µm.
fn scene_elements(layout: &CziLayout) -> String {
    let mut scenes = String::new();
    let origins = layout.scene_origins();
    for (index, (origin, size)) in origins.iter().zip(&layout.scenes).enumerate() {
        let center_y = (f64::from(origin.0) + f64::from(size.0) / 2.0) * layout.pixel_size_um;
        let center_x = (f64::from(origin.1) + f64::from(size.1) / 2.0) * layout.pixel_size_um;
        push(
            &mut scenes,
            format_args!(
                "<Scene Index=\"{index}\" Name=\"P{}\"><CenterPosition>{center_x},{center_y}</CenterPosition></Scene>",
                index + 1
            ),
        );
    }
    scenes
}

/// The pixel size; CZI gives it in metres.
fn scaling_elements(pixel_size_um: f64) -> String {
    let mut items = String::new();
    for axis in ["X", "Y"] {
        push(
            &mut items,
            format_args!(
                "<Distance Id=\"{axis}\"><Value>{:e}</Value>\
                 <DefaultUnitFormat>\u{b5}m</DefaultUnitFormat></Distance>",
                pixel_size_um * 1e-6
            ),
        );
    }
    format!("<Scaling><Items>{items}</Items></Scaling>")
}

fn push(text: &mut String, arguments: std::fmt::Arguments) {
    text.write_fmt(arguments).expect("writing to a string cannot fail");
}

/// Text for use in an XML attribute.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
