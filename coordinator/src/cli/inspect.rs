//! `fovflow inspect`: what is in a movie.

use anyhow::Context;
use fovflow_common::location::{Location, open_source};
use fovflow_common::source::SourceInfo;

use super::args::InspectArgs;
use super::{Ending, print, run, units};

pub(super) fn run(args: &InspectArgs) -> anyhow::Result<Ending> {
    let runtime = run::runtime()?;
    let location = Location::parse(&args.file)?;
    let source = open_source(&location, runtime.handle())?;
    let text = if args.json {
        serde_json::to_string_pretty(source.info()).context("cannot write the movie's metadata as JSON")?
    } else {
        describe(source.info())
    };
    print::line(&text);
    Ok(Ending::Done)
}

fn describe(info: &SourceInfo) -> String {
    let mut lines = vec![
        format!(
            "{} ({}, {}, pixels {}, compression {})",
            info.name,
            info.format,
            units::bytes(info.size_bytes),
            info.pixel_type,
            info.compression
        ),
        format!("  FOVs      {}", info.fovs.len()),
        format!("  frames    {}", info.frames),
        format!("  Z planes  {}", info.z_planes),
        format!("  interval  {}", info.frame_interval_s.map_or("not recorded".to_owned(), |s| format!("{s} s"))),
        format!(
            "  pixel     {}",
            info.pixel_size_um.map_or("size not recorded".to_owned(), |[y, x]| {
                if y == x { format!("{x} µm") } else { format!("{x} × {y} µm (x × y)") }
            })
        ),
    ];
    if let Some(bits) = info.bits_significant {
        lines.push(format!("  camera    {bits} bits"));
    }
    lines.push("  channels".to_owned());
    for channel in &info.channels {
        lines.push(format!("    {:>3}  {}", channel.id, channel.name.as_deref().unwrap_or("(no name)")));
    }
    lines.push("  FOVs (height × width)".to_owned());
    for fov in &info.fovs {
        lines.push(format!("    {:>3}  {} × {}  {}", fov.id, fov.height, fov.width, fov.name.as_deref().unwrap_or("")));
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}
