//! The cells of one field of view and their lineage, frame by frame.
//!
//! Cells wander by a persistent random walk in a world larger than the frame, so they enter and leave it; a step that
//! would bring two cells closer than the layout allows is not taken. Cells divide by rounding up, pinching in, and
//! giving way to two daughters with new IDs. On top, the stage drifts and trembles, which moves all cells alike.

use super::cell::{Cell, CellState};
use super::params::{Layout, SimulationParams};
use super::placement::{self, Body, Spacing, World};
use super::random::{Purpose, RandomStream};

/// Share of the velocity that a cell keeps from frame to frame.
const PERSISTENCE: f64 = 0.85;

/// Random part of a step per frame, relative to the mean cell radius.
const MOTILITY: f64 = 0.014;

/// Mean time until a large cell divides, frames.
const CYCLE: f64 = 160.0;

/// Frames that a daughter grows before it may divide.
const GROWTH_TIME: f64 = 120.0;

/// The population may grow to this multiple of the initial one; then divisions wait.
const LARGEST_GROWTH: f64 = 1.6;

/// Amplitude of the stage's drift, px.
const STAGE_DRIFT: f64 = 2.5;

/// Largest tremble of the stage, px.
const STAGE_TREMBLE: f64 = 0.3;

/// The state of one FOV's cells at the current frame.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    spacing: Spacing,
    world: World,
    cells: Vec<Cell>,
    next_id: u32,
    largest_population: usize,
    step: f64,
    frame: u32,
    stage: Stage,
    random: RandomStream,
}

/// The microscope's stage.
#[derive(Debug, Clone)]
struct Stage {
    phase: (f64, f64),
    speed: (f64, f64),
    tremble: (f64, f64),
}

impl Scene {
    /// The cells of FOV `fov` at frame 0.
    pub fn new(params: &SimulationParams, fov: u32) -> Self {
        let mut random = RandomStream::new(params.seed, Purpose::Scene, [u64::from(fov), 0]);
        let size = params.fov_size(fov);
        let world = World::new(params, size);
        let (low, high) = (f64::from(params.cell_radius.0), f64::from(params.cell_radius.1));
        let population = world.population(params, size);

        let mut cells = Vec::new();
        for _ in 0..population {
            let radius = random.uniform(low, high);
            let mut cell = Cell::draw(&mut random, radius, params.fluorescence_channels);
            cell.sociable = random.chance(placement::sociability(params.layout));
            if params.layout != Layout::Separate {
                cell.growth = 0.002;
                let is_large = radius >= 0.5 * (low + high);
                let due = 7.0 - CYCLE * libm::log(1.0 - random.unit());
                cell.divides_at = is_large.then_some(due as u32);
            }
            cells.push(cell);
        }
        let bodies: Vec<Body> = cells.iter().map(|cell| body(cell, 0)).collect();
        let spacing = Spacing::new(params, size);
        let places = placement::place(&mut random, world, spacing, &bodies);
        let mut placed = Vec::new();
        for (mut cell, place) in cells.into_iter().zip(places) {
            let Some(position) = place else { continue };
            cell.position = position;
            cell.id = placed.len() as u16 + 1;
            placed.push(cell);
        }

        let stage = Stage {
            phase: (random.angle(), random.angle()),
            speed: (random.uniform(0.01, 0.04), random.uniform(0.01, 0.04)),
            tremble: (0.0, 0.0),
        };
        Self {
            spacing,
            world,
            next_id: placed.len() as u32 + 1,
            largest_population: (placed.len() as f64 * LARGEST_GROWTH) as usize,
            cells: placed,
            step: MOTILITY * 0.5 * (low + high),
            frame: 0,
            stage,
            random,
        }
    }

    /// The cells as they look at the current frame, those out of view included.
    pub fn states(&self) -> Vec<CellState> {
        let drift = self.stage.drift(self.frame);
        let states = self.cells.iter().map(|cell| cell.state(self.frame, drift));
        states.collect()
    }

    /// Goes on to the next frame.
    pub fn advance(&mut self) {
        self.frame += 1;
        self.divide();
        for index in 0..self.cells.len() {
            self.move_cell(index);
        }
        self.stage.tremble =
            (self.random.uniform(-STAGE_TREMBLE, STAGE_TREMBLE), self.random.uniform(-STAGE_TREMBLE, STAGE_TREMBLE));
    }

    /// Replaces the cells that are due by their daughters; where the population is full, they go on waiting.
    fn divide(&mut self) {
        for index in 0..self.cells.len() {
            let Some(due) = self.cells[index].divides_at else {
                continue;
            };
            if due != self.frame {
                continue;
            }
            let is_full = self.cells.len() >= self.largest_population;
            if is_full || self.next_id + 1 > u32::from(u16::MAX) {
                self.cells[index].divides_at = None;
                continue;
            }
            let mother = self.cells[index].clone();
            let first = self.daughter(&mother, 1.0);
            let second = self.daughter(&mother, -1.0);
            self.cells[index] = first;
            self.cells.push(second);
        }
    }

    fn daughter(&mut self, mother: &Cell, side: f64) -> Cell {
        let mut daughter = mother.daughter(&mut self.random, self.frame, side);
        daughter.id = self.next_id as u16;
        self.next_id += 1;
        let wait = GROWTH_TIME - 0.4 * CYCLE * libm::log(1.0 - self.random.unit());
        daughter.divides_at = Some(self.frame + wait as u32);
        daughter
    }

    /// One step of the persistent random walk; a forbidden step is turned back instead.
    fn move_cell(&mut self, index: usize) {
        let noise = (self.random.normal(), self.random.normal());
        let cell = &self.cells[index];
        let velocity =
            (PERSISTENCE * cell.velocity.0 + self.step * noise.0, PERSISTENCE * cell.velocity.1 + self.step * noise.1);
        let target = (cell.position.0 + velocity.0, cell.position.1 + velocity.1);
        let allowed = self.may_move(index, target);
        let cell = &mut self.cells[index];
        if allowed {
            cell.position = target;
            cell.velocity = velocity;
        } else {
            cell.velocity = (-0.5 * velocity.0, -0.5 * velocity.1);
        }
    }

    /// Whether a cell may go to `target`: inside the world, and not both too close to another cell and closer than now
    /// (daughters start in contact and only part).
    fn may_move(&self, index: usize, target: (f64, f64)) -> bool {
        let cell = &self.cells[index];
        if !self.world.contains(target) && self.world.contains(cell.position) {
            return false;
        }
        let own = body(cell, self.frame);
        for (other_index, other) in self.cells.iter().enumerate() {
            if other_index == index {
                continue;
            }
            let after = placement::square_distance(target, other.position);
            let theirs = body(other, self.frame);
            let least = self.spacing.least_distance(own, theirs);
            let before = placement::square_distance(cell.position, other.position);
            if after < least * least && after < before {
                return false;
            }
        }
        true
    }
}

impl Stage {
    /// Displacement (y, x) of everything on the stage at `frame`, px.
    fn drift(&self, frame: u32) -> (f64, f64) {
        let time = f64::from(frame);
        let y = STAGE_DRIFT * libm::sin(self.phase.0 + self.speed.0 * time);
        let x = STAGE_DRIFT * libm::sin(self.phase.1 + self.speed.1 * time);
        (y + self.tremble.0, x + self.tremble.1)
    }
}

/// The space that a cell takes at `frame`.
fn body(cell: &Cell, frame: u32) -> Body {
    let radius = cell.body_radius(frame);
    Body { radius, reach: radius * (1.0 + cell.deformation.bound()), sociable: cell.sociable }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(layout: Layout, cells: u32) -> SimulationParams {
        SimulationParams { layout, cells, ..Default::default() }
    }

    #[test]
    fn separate_cells_stay_whole_in_the_frame_and_a_diameter_apart_at_all_times() {
        for fov in 0..4 {
            let mut scene = Scene::new(&params(Layout::Separate, 14), fov);
            assert_eq!(scene.cells.len(), 14);
            for _ in 0..150 {
                let states = scene.states();
                for (index, cell) in states.iter().enumerate() {
                    let reach = cell.outline.reach();
                    for position in [cell.center.0, cell.center.1] {
                        assert!(position - reach > 10.0 && position + reach < 502.0);
                    }
                    for other in &states[..index] {
                        let dy = cell.center.0 - other.center.0;
                        let dx = cell.center.1 - other.center.1;
                        let gap = (dy * dy + dx * dx).sqrt() - reach - other.outline.reach();
                        assert!(gap >= cell.outline.radius + other.outline.radius - 1e-3);
                    }
                }
                scene.advance();
            }
            let newcomers = scene.cells.iter().filter(|cell| cell.parent.is_some());
            assert_eq!(newcomers.count(), 0);
        }
    }

    #[test]
    fn cells_move_smoothly_and_divide_into_two_daughters_with_new_ids() {
        let mut divisions = 0;
        for fov in 0..4 {
            let mut scene = Scene::new(&params(Layout::Mixed, 30), fov);
            let mut before = scene.states();
            for _ in 1..60 {
                scene.advance();
                let after = scene.states();
                for cell in &after {
                    let Some(same) = before.iter().find(|old| old.id == cell.id) else {
                        let mother = cell.parent.expect("a newcomer has a mother");
                        assert!(after.iter().all(|c| c.id != mother), "the mother is gone");
                        assert!(before.iter().any(|c| c.id == mother));
                        divisions += 1;
                        continue;
                    };
                    let dy = cell.center.0 - same.center.0;
                    let dx = cell.center.1 - same.center.1;
                    assert!((dy * dy + dx * dx).sqrt() < 5.0);
                    let growth = cell.outline.radius / same.outline.radius;
                    assert!((0.93..1.07).contains(&growth), "radius jumps by {growth}");
                }
                before = after;
            }
        }
        assert!(divisions >= 8, "{divisions} daughters in 240 frames");
        assert_eq!(divisions % 2, 0);
    }

    #[test]
    fn crowded_cells_touch_and_mixed_cells_mostly_do_not() {
        let touching = |layout, cells| {
            let scene = Scene::new(&params(layout, cells), 0);
            let states = scene.states();
            let mut in_contact = 0;
            for cell in &states {
                let near = states.iter().any(|other| {
                    let dy = cell.center.0 - other.center.0;
                    let dx = cell.center.1 - other.center.1;
                    let contact = 1.05 * (cell.outline.radius + other.outline.radius);
                    other.id != cell.id && (dy * dy + dx * dx).sqrt() < contact
                });
                in_contact += u32::from(near);
            }
            f64::from(in_contact) / states.len() as f64
        };
        assert!(touching(Layout::Crowded, 60) > 0.6);
        let mixed = touching(Layout::Mixed, 30);
        assert!(mixed > 0.0 && mixed < 0.5, "{mixed}");
    }
}
