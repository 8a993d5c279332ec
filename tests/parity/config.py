"""The configuration file of SPEC section 2: defaults filled in, and the questions that every stage asks of it."""

import copy
from pathlib import Path

import yaml

DEFAULT_PARAMS = {
    "copy_only": False,
    "batch_size": 4,
    "segmentation": {
        "method": "logstd",
        "logstd_window_size": 3,
        "threshold": "valley",
        "cleanup": ["close", "remove_small", "fill", "open"],
        "morph_shape": "disk",
        "morph_size": 7,
        "morph_iterations": 3,
        "min_object_size": 50,
        "max_object_size": 10000,
    },
    "tracking": {"method": "iou", "min_iou": 0.1, "min_size": None, "max_size": None},
    "background": {"tile_size": 100, "tile_overlap": 0.5, "dilation_radius": 10, "min_tile_coverage": 0.1},
    "extraction": {
        "background_weight": 1.0,
        "min_frames": 30,
        "border_margin": 50,
        "frame_interval": 10.0,
        "time_mapping": None,
    },
}


def resolve(raw):
    """The configuration `raw` (a nested dict, as in the YAML file) with every default filled in."""
    params = copy.deepcopy(DEFAULT_PARAMS)
    for name, value in (raw.get("params") or {}).items():
        if name not in params:
            raise ValueError(f"unknown parameter {name!r}; known: {sorted(params)}")
        if not isinstance(value, dict):
            params[name] = value
            continue
        unknown = set(value) - set(params[name])
        if unknown:
            raise ValueError(f"unknown parameters {sorted(unknown)} under {name!r}")
        params[name].update(value)
    channels = raw.get("channels") or {}
    return {"channels": {"pc": channels.get("pc"), "fl": channels.get("fl") or []}, "params": params}


def load(path):
    """Reads and resolves a YAML configuration file."""
    return resolve(yaml.safe_load(Path(path).read_text()) or {})


def pc_channel(config):
    """The phase-contrast channel's number, or None."""
    pc = config["channels"]["pc"]
    return None if pc is None else pc["channel"]


def fl_channels(config):
    """The fluorescence channels' numbers, in the configured order."""
    return [fl["channel"] for fl in config["channels"]["fl"]]


def features(config):
    """Pairs (feature, channel) in column order: the PC channel's, then each FL channel's."""
    entries = ([config["channels"]["pc"]] if config["channels"]["pc"] else []) + config["channels"]["fl"]
    return [(feature, entry["channel"]) for entry in entries for feature in entry.get("features") or []]
