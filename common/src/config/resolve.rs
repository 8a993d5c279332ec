//! A configuration against a source: names become indices, selections lists, and everything must exist.

use std::collections::BTreeSet;

use super::error::{ConfigError, Problem, Problems, quoted};
use super::model::{ChannelRef, Config};
use super::resolved::{ResolvedConfig, ResolvedFl, ResolvedPc};
use super::selection::Selection;
use super::suggest;
use super::validate::repeated_channels;
use crate::source::{ChannelInfo, SourceInfo};

/// Minutes between frames where neither the configuration nor the source says.
pub const DEFAULT_FRAME_INTERVAL_MIN: f64 = 10.0;

/// Resolves a configuration for a source. With the result come warnings for the user.
///
/// The result's parameters hold what is used: `background_weight` within `0..=1`, and the frame interval.
///
/// # Errors
/// Everything that's wrong with the configuration, or else everything in it that the source doesn't have.
pub fn resolve(config: &Config, source: &SourceInfo) -> Result<(ResolvedConfig, Vec<String>), ConfigError> {
    config.validate()?;
    let mut resolver = Resolver { source, problems: Problems::default(), warnings: Vec::new() };
    let resolved = resolver.resolve(config);
    resolver.problems.into_result()?;
    Ok((resolved, resolver.warnings))
}

struct Resolver<'a> {
    source: &'a SourceInfo,
    problems: Problems,
    warnings: Vec<String>,
}

impl Resolver<'_> {
    /// What the configuration resolves to; of use only where no problem was found.
    fn resolve(&mut self, config: &Config) -> ResolvedConfig {
        let fovs = self.fovs(config);
        let frames = self.frames(config);
        if config.z >= self.source.z_planes {
            self.absent("z", "z plane", config.z, &Selection::first(self.source.z_planes));
        }
        let (pc, fl) = self.channels(config);
        self.check_times(config, &frames);

        let mut params = config.params.clone();
        let weight = params.extraction.background_weight;
        params.extraction.background_weight = weight.clamp(0.0, 1.0);
        if params.extraction.background_weight != weight {
            let clipped = params.extraction.background_weight;
            self.warnings.push(format!("background_weight {weight} is clipped to {clipped}"));
        }
        let frame_interval_min = self.frame_interval(config);
        params.extraction.frame_interval = Some(frame_interval_min);
        ResolvedConfig { fovs, frames, z: config.z, pc, fl, params, frame_interval_min }
    }

    fn fovs(&mut self, config: &Config) -> Vec<u32> {
        let known: BTreeSet<u32> = self.source.fovs.iter().map(|fov| fov.id).collect();
        let all: Vec<u32> = known.iter().copied().collect();
        self.select("fovs", "FOV", config.fovs.as_deref(), &Selection::of(&all), |id| known.contains(&id))
    }

    fn frames(&mut self, config: &Config) -> Vec<u32> {
        let count = self.source.frames;
        self.select("frames", "frame", config.frames.as_deref(), &Selection::first(count), |id| id < count)
    }

    /// The selected IDs, or else all that exist.
    fn select(
        &mut self,
        path: &str,
        what: &str,
        text: Option<&str>,
        all: &Selection,
        exists: impl Fn(u32) -> bool,
    ) -> Vec<u32> {
        if all.ids().next().is_none() {
            let message = format!("{} has no {what}", self.source.name);
            self.problems.push(Problem::new(path, message));
            return Vec::new();
        }
        let Some(text) = text else { return all.ids().collect() };
        let selection = match Selection::parse(text) {
            Ok(selection) => selection,
            Err(error) => {
                self.problems.push(Problem::new(path, error.to_string()));
                return Vec::new();
            }
        };
        let mut selected = Vec::new();
        for id in selection.ids() {
            if !exists(id) {
                self.absent(path, what, id, all);
                break;
            }
            selected.push(id);
        }
        selected
    }

    fn channels(&mut self, config: &Config) -> (Option<ResolvedPc>, Vec<ResolvedFl>) {
        let mut places = Vec::new();
        let mut pc = None;
        if let Some(configured) = &config.channels.pc
            && let Some(channel) = self.channel("channels.pc", &configured.channel)
        {
            places.push(("channels.pc".to_owned(), channel));
            pc = Some(ResolvedPc { channel, features: configured.features.clone() });
        }
        let mut fl = Vec::new();
        for (i, configured) in config.channels.fl.iter().enumerate() {
            let path = format!("channels.fl[{i}]");
            let Some(channel) = self.channel(&path, &configured.channel) else { continue };
            places.push((path, channel));
            fl.push(ResolvedFl { channel, features: configured.features.clone() });
        }
        for contradiction in repeated_channels(&places, |channel| self.describe_channel(*channel)) {
            self.problems.push(Problem::new(&contradiction.paths[0], contradiction.message));
        }
        (pc, fl)
    }

    fn channel(&mut self, path: &str, channel: &ChannelRef) -> Option<u32> {
        let found = match channel {
            ChannelRef::Index(index) => self.channel_by_index(*index),
            ChannelRef::Name(name) => self.channel_by_name(name),
        };
        found.map_err(|message| self.problems.push(Problem::new(&format!("{path}.channel"), message))).ok()
    }

    fn channel_by_index(&self, index: u32) -> Result<u32, String> {
        if self.source.channels.iter().any(|channel| channel.id == index) {
            return Ok(index);
        }
        let name = index.to_string();
        let is_called_so = self.source.channels.iter().any(|channel| channel.name.as_deref() == Some(name.as_str()));
        let hint = if is_called_so {
            format!("; for the channel called {name}, put the name in double quotes")
        } else {
            String::new()
        };
        Err(format!("channel {index} does not exist: {}{hint}", self.channel_list()))
    }

    /// The channel with exactly this name, else the only one with it when case doesn't count.
    fn channel_by_name(&self, name: &str) -> Result<u32, String> {
        let matches = |is_match: &dyn Fn(&str) -> bool| -> Vec<u32> {
            let matching = |channel: &&ChannelInfo| channel.name.as_deref().is_some_and(is_match);
            self.source.channels.iter().filter(matching).map(|channel| channel.id).collect()
        };
        let mut found = matches(&|known| known == name);
        if found.is_empty() {
            let lower_case = name.to_lowercase();
            found = matches(&|known| known.to_lowercase() == lower_case);
        }
        match found.as_slice() {
            [id] => Ok(*id),
            [] => {
                let names = self.source.channels.iter().filter_map(|channel| channel.name.as_deref());
                let closest = suggest::closest(name, names);
                let question = closest.map_or(":".to_owned(), |closest| format!(", did you mean {}?", quoted(closest)));
                Err(format!("channel {} does not exist{question} {}", quoted(name), self.channel_list()))
            }
            several => {
                let channels: Vec<_> = several.iter().map(|id| self.describe_channel(*id)).collect();
                Err(format!("{} may be channel {}; give the index", quoted(name), channels.join(" or ")))
            }
        }
    }

    /// `example.nd2 has channels 0 "Phase", 1 "GFP"`.
    fn channel_list(&self) -> String {
        let channels: Vec<_> = self.source.channels.iter().map(|channel| self.describe_channel(channel.id)).collect();
        match channels.len() {
            0 => format!("{} has no channel", self.source.name),
            1 => format!("{} has one channel, {}", self.source.name, channels[0]),
            _ => format!("{} has channels {}", self.source.name, channels.join(", ")),
        }
    }

    /// `1 "GFP"`.
    fn describe_channel(&self, id: u32) -> String {
        let name =
            self.source.channels.iter().find(|channel| channel.id == id).and_then(|channel| channel.name.as_deref());
        name.map_or(id.to_string(), |name| format!("{id} {}", quoted(name)))
    }

    fn absent(&mut self, path: &str, what: &str, id: u32, all: &Selection) {
        let mut first_two = all.ids().take(2);
        let available = match (first_two.next(), first_two.next()) {
            (None, _) => format!("no {what}"),
            (Some(only), None) => format!("one {what}, {only}"),
            _ => format!("{what}s {all}"),
        };
        let message = format!("{what} {id} does not exist: {} has {available}", self.source.name);
        self.problems.push(Problem::new(path, message));
    }

    fn check_times(&mut self, config: &Config, frames: &[u32]) {
        let Some(times) = &config.params.extraction.time_mapping else { return };
        let without_time: Vec<u32> = frames.iter().copied().filter(|frame| !times.contains_key(frame)).collect();
        if !without_time.is_empty() {
            let message =
                format!("has no time for frames {}; every selected frame needs one", Selection::of(&without_time));
            self.problems.push(Problem::new("params.extraction.time_mapping", message));
        }
        let beyond: Vec<u32> = times.keys().copied().filter(|frame| *frame >= self.source.frames).collect();
        if !beyond.is_empty() {
            let SourceInfo { name, frames, .. } = self.source;
            let beyond = Selection::of(&beyond);
            self.warnings
                .push(format!("time_mapping has times for frames {beyond}, but {name} has only {frames} frames"));
        }
    }

    fn frame_interval(&self, config: &Config) -> f64 {
        let stated = self.source.frame_interval_s.map(|seconds| seconds / 60.0);
        let stated = stated.filter(|minutes| minutes.is_finite() && *minutes > 0.0);
        config.params.extraction.frame_interval.or(stated).unwrap_or(DEFAULT_FRAME_INTERVAL_MIN)
    }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
