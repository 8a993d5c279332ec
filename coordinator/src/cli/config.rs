//! `fovflow config`: make a configuration file, or check one.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use fovflow_common::config::{self, Layers, Origin, document, parse_pc_flag, resolve};
use fovflow_common::location::{Location, open_source};
use serde::Serialize;

use super::args::{ConfigArgs, ConfigCommand};
use super::{Ending, print, run};

pub(super) fn run(command: &ConfigCommand) -> anyhow::Result<Ending> {
    match command {
        ConfigCommand::Init { file: None } => print::line(config::template().trim_end()),
        ConfigCommand::Init { file: Some(file) } => {
            write_template(file)?;
            print::line(&format!("wrote {}", file.display()));
        }
        ConfigCommand::Check { file, config } => check(file.as_deref(), config)?,
    }
    Ok(Ending::Done)
}

/// A file that's already there is somebody's work.
fn write_template(path: &Path) -> anyhow::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .with_context(|| format!("cannot create {}; choose a name that does not exist yet", path.display()))?;
    file.write_all(config::template().as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

fn check(file: Option<&str>, args: &ConfigArgs) -> anyhow::Result<()> {
    let config = layers(args)?.build()?;
    let Some(file) = file else {
        print::line("the configuration is valid; give a movie to check it against");
        return Ok(());
    };
    let runtime = run::runtime()?;
    let source = open_source(&Location::parse(file)?, runtime.handle())?;
    let (resolved, warnings) = resolve(&config, source.info())?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    print::line(document(&resolved, source.info())?.trim_end());
    Ok(())
}

/// The layers of a configuration: file, environment, flags.
pub(super) fn layers(args: &ConfigArgs) -> anyhow::Result<Layers> {
    let mut layers = Layers::new();
    if let Some(file) = &args.config {
        layers = layers.read_file(file);
    }
    let variables = std::env::vars_os();
    let variables: BTreeMap<String, String> =
        variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect();
    for (name, path) in VARIABLES {
        if let Some(value) = variables.get(name).filter(|value| !value.is_empty()) {
            layers = variable(layers, name, path, value)?;
        }
    }
    layers = layers.environment(variables);
    for assignment in &args.set {
        layers = layers.assign(assignment);
    }
    layers = flag(layers, "channels.pc", args.pc.as_ref(), "--pc");
    layers = flag(layers, "channels.fl", (!args.fl.is_empty()).then_some(&args.fl), "--fl");
    layers = flag(layers, "fovs", args.fovs.as_ref(), "--fovs");
    layers = flag(layers, "frames", args.frames.as_ref(), "--frames");
    layers = flag(layers, "z", args.z.as_ref(), "--z");
    Ok(flag(layers, "params.copy_only", args.copy_only.then_some(&true), "--copy-only"))
}

/// The variables that stand for a flag, and the key that they set. Every key has a `FOVFLOW__…` variable besides.
const VARIABLES: [(&str, &str); 5] = [
    ("FOVFLOW_PC", "channels.pc"),
    ("FOVFLOW_FOVS", "fovs"),
    ("FOVFLOW_FRAMES", "frames"),
    ("FOVFLOW_Z", "z"),
    ("FOVFLOW_COPY_ONLY", "params.copy_only"),
];

/// A variable is written as its flag is: a channel as `0:area`, all else as YAML, of which JSON is a part.
fn variable(layers: Layers, name: &str, path: &str, value: &str) -> anyhow::Result<Layers> {
    let origin = Origin::Environment(name.to_owned());
    if path != "channels.pc" {
        return Ok(layers.set(path, value, origin));
    }
    let channel = parse_pc_flag(value).with_context(|| name.to_owned())?;
    Ok(layers.set(path, &serde_json::to_string(&channel)?, origin))
}

fn flag<T: Serialize>(layers: Layers, path: &str, value: Option<&T>, name: &str) -> Layers {
    match value {
        Some(value) => layers.value(path, value, name),
        None => layers,
    }
}
