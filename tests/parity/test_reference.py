"""The reference stages on cases worked out by hand: they judge fovflow, so something has to judge them."""

import math

import numpy as np
import pytest
from scipy import ndimage

from reference import background, cache, crop, extract, segment, track

PARAMS = {"min_object_size": 1, "max_object_size": 100, "cleanup": [], "morph_shape": "disk", "morph_size": 3,
          "morph_iterations": 1}  # fmt: skip


@pytest.mark.parametrize("window", [2, 3, 5])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (6, 1), (9, 8)])
def test_log_std_is_the_spread_of_each_window(window, shape):
    frame = np.random.default_rng(window).integers(0, 65536, shape).astype(np.uint16)
    before = window // 2
    padded = np.pad(frame.astype(float), (before, window - 1 - before), mode="symmetric")
    got = segment.log_std(frame, window)
    for y, x in np.ndindex(shape):
        spread = np.std(padded[y : y + window, x : x + window])
        assert got[y, x] == pytest.approx(math.log(spread) if spread > 0 else 0, abs=1e-12)


def test_an_even_window_lies_as_in_scipy():
    frame = np.random.default_rng(1).integers(0, 65536, (7, 9)).astype(np.uint16)
    sums, _ = segment.window_sums(frame, 4)
    assert np.allclose(sums / 16, ndimage.uniform_filter(frame.astype(float), 4, mode="reflect"))


def test_a_valley_lies_between_the_peaks_and_leftmost():
    smooth = np.zeros(200)
    smooth[40:45] = [1, 5, 100, 5, 1]
    smooth[120:123] = [1, 3, 1]
    assert segment.valley_bin(smooth) == 45  # of the empty bins 45..119
    smooth[120:123] = [0.2, 0.9, 0.2]  # under 1 % of the main peak
    assert segment.valley_bin(smooth) is None


def test_mode_sigma_is_the_mode_and_the_spread_below_it():
    values = np.array([0.0] * 3 + [10.0] * 30 + [20.0])
    counts, edges = np.histogram(values, bins=200)
    centre = 10.05
    below = np.array([0.0] * 3 + [10.0] * 30)
    assert segment.mode_sigma_threshold(values, counts, edges) == pytest.approx(centre + 3 * below.std())


def test_labels_follow_the_first_pixel_and_both_size_limits_are_inclusive():
    mask = np.array([[0, 0, 0, 1], [1, 0, 1, 1], [0, 1, 0, 0], [1, 1, 1, 1]], bool)
    assert segment.number(mask, PARAMS).tolist() == [[0, 0, 0, 1], [2, 0, 1, 1], [0, 3, 0, 0], [3, 3, 3, 3]]
    limits = PARAMS | {"min_object_size": 3, "max_object_size": 5}
    assert segment.number(mask, limits).tolist() == [[0, 0, 0, 1], [0, 0, 1, 1], [0, 2, 0, 0], [2, 2, 2, 2]]


@pytest.mark.parametrize(("size", "area"), [(1, 1), (3, 5), (7, 29)])
def test_morph_size_is_a_diameter(size, area):
    assert segment.footprint("disk", size).sum() == area and segment.footprint("disk", size).shape == (size, size)
    assert segment.footprint("square", size).sum() == size**2


def test_an_iou_at_the_limit_links_and_ids_are_never_reused():
    frames = np.zeros((4, 4, 30), np.uint16)
    frames[0, :, 0:11] = 1
    frames[1, :, 9:20] = 1  # 2 of 20 columns: 0.1
    frames[3, :, 9:20] = 1  # after a gap
    params = {"min_iou": 0.1, "min_size": None, "max_size": None}
    assert [np.unique(frame).tolist() for frame in track.track(frames, params)] == [[0, 1], [0, 1], [0], [0, 2]]
    over = track.track(frames, params | {"min_iou": 0.11})
    assert [int(frame.max()) for frame in over] == [1, 2, 0, 3]


def test_the_assignment_is_optimal_over_all_pairs():
    previous = {5: (0, 0, 4, 10), 6: (0, 10, 4, 20)}
    current = {1: (0, 4, 4, 14), 2: (0, 0, 4, 4)}  # label 1 alone would take cell 5
    assert track.match(previous, current, 0.1) == {1: 6, 2: 5}


def test_tiles_start_as_specified():
    def starts(*args):
        return background.tile_starts(*args)[1].tolist()

    assert starts(250, 100, 0.5) == [0, 50, 100, 150]
    assert starts(100, 100, 0.5) == starts(60, 100, 0.5) == [0]
    assert starts(101, 100, 0.5) == [0, 1]
    assert starts(105, 100, 0.9) == [0, 5]
    assert starts(8, 3, 0.9) == [0, 1, 2, 3, 4, 5]  # 18 tiles, of which six are distinct


def test_a_plane_comes_back_and_is_clamped_outside_the_centres():
    ys, xs = np.mgrid[:90, :70]
    frame = (100 + 3 * ys + 2 * xs).astype(np.uint16)
    params = {"tile_size": 21, "tile_overlap": 0.5, "dilation_radius": 2, "min_tile_coverage": 0.1}
    got = background.background_frame(frame, None, params)
    assert np.allclose(got, 100 + 3 * np.clip(ys, 10, 79) + 2 * np.clip(xs, 10, 59))


def test_a_single_row_of_tiles_is_constant_across_it():
    frame = np.broadcast_to(np.arange(50, dtype=np.uint16) * 4, (11, 50))
    params = {"tile_size": 11, "tile_overlap": 0.5, "dilation_radius": 2, "min_tile_coverage": 0.1}
    got = background.background_frame(frame, None, params)
    assert np.allclose(got, 4 * np.clip(np.arange(50), 5, 44))


def test_uncovered_tiles_are_a_membrane_between_valid_ones():
    assert np.allclose(background.fill(np.array([[0, np.nan, np.nan, 3.0]])), [[0, 1, 2, 3]])
    full = np.array([[1.0, 2], [3, 4]])
    assert np.array_equal(background.fill(full), full)


def test_a_frame_without_background_takes_its_first_percentile():
    frame = np.arange(101, dtype=np.uint16).reshape(1, 101)
    params = {"tile_size": 10, "tile_overlap": 0.5, "dilation_radius": 1, "min_tile_coverage": 0.1}
    assert np.array_equal(background.background_frame(frame, np.ones((1, 101)), params), np.full((1, 101), 1.0))


def test_a_crop_is_as_large_as_the_cell_ever_is_and_zero_elsewhere():
    tracked = np.zeros((2, 6, 6), np.uint16)
    tracked[0, 0:4, 0:2], tracked[1, 5, 3:6], tracked[0, 0, 5] = 3, 3, 1
    cell_ids, bboxes, valid = crop.metadata(tracked)
    assert cell_ids.tolist() == [1, 3] and bboxes.tolist()[1] == [[0, 0, 4, 2], [5, 3, 6, 6]]
    assert bboxes[0, 1].tolist() == [-1] * 4 and valid.tolist() == [[True, False], [True, True]]
    mask = crop.mask_crop(tracked, 3, bboxes[1], valid[1])
    assert mask.shape == (2, 4, 3) and mask.sum() == 11
    crops = crop.intensity_crop(np.full((2, 6, 6), 65535, np.uint16), mask, bboxes[1], valid[1])
    assert np.array_equal(crops, mask.astype(np.float32))


def test_features_of_a_rectangle():
    mask = np.zeros((5, 12), bool)
    mask[1:4, 2:11] = True  # 3 × 9: variances (n² − 1) / 12
    assert extract.aspect_ratio(mask) == pytest.approx(math.sqrt(80 / 8))
    assert math.isnan(extract.aspect_ratio(np.ones((1, 5), bool)))
    assert math.isnan(extract.aspect_ratio(np.ones((1, 1), bool)))
    raw, bg = np.where(mask, 300, 0) / 65535, np.where(mask, 100, 0) / 65535
    total, _ = extract.feature_value("intensity_total", mask, raw.astype(np.float32), bg.astype(np.float32), 0.5)
    assert total == pytest.approx(27 * 250, rel=1e-7)
    clipped, _ = extract.feature_value("intensity_mean", mask, raw.astype(np.float32), bg.astype(np.float32), 7)
    assert clipped == pytest.approx(200, rel=1e-7)


@pytest.mark.parametrize(
    ("box", "touches"),
    [
        ((5, 5, 25, 35), False),
        ((4, 5, 25, 35), True),
        ((5, 4, 25, 35), True),
        ((5, 5, 26, 35), True),
        ((5, 5, 25, 36), True),
    ],
)
def test_the_border_is_margin_pixels_wide(box, touches):
    bboxes, valid = np.array([box, (-1,) * 4]), np.array([True, False])
    assert extract.touches_border(bboxes, valid, (30, 40), 5) is touches
    assert extract.touches_border(bboxes, valid, (30, 40), 0) is False


def test_levels_by_hand():
    ramp = np.arange(101, dtype=np.uint16).repeat(4).reshape(101, 2, 2)
    level = cache.intensity_level(ramp)
    assert level.shape == (101, 1, 1) and level[1, 0, 0] == 0 and level[99, 0, 0] == 255
    assert level[50, 0, 0] == 128  # 127.5, half to even
    assert cache.intensity_level(np.full((2, 5, 7), 9, np.uint16)).tolist() == np.zeros((2, 2, 3)).tolist()
    spike = np.zeros((1, 20, 20), np.uint16)
    spike[0, 0, 0] = 40  # percentiles equal: the extremes
    assert cache.intensity_level(spike)[0, 0, 0] == round(10 * 255 / 40)
    assert cache.halve(np.array([[[2, 4, 9]]])).tolist() == [[[3.0]]]
    labels = np.array([[[1, 9], [9, 9], [600, 0], [0, 0]]], np.uint16)
    assert cache.level_one("seg_labeled_ch_0", labels).tolist() == [[[1], [255]]]
