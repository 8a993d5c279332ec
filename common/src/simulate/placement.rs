//! Where cells may be: the space they live in, the distance they keep, and where they start.

use super::params::{Layout, SimulationParams};
use super::random::RandomStream;

/// Margin between a whole cell's outline and the frame's edge in [`Layout::Separate`], px. Holds the stage's drift and the
/// 9 px at the edge that the default segmentation's closing erodes, so figures from that layout say nothing about borders.
const SEPARATE_MARGIN: f64 = 16.0;

/// How far an outline reaches beyond its mean radius at most, relative: the bound used when planning space.
const REACH: f64 = 1.42;

/// Share of the plane that discs of the layout's spacing may cover at the start. Random placement jams at 0.547.
const LARGEST_COVERAGE: f64 = 0.4;

/// Distance that cells of a sparse culture keep when they seek no contact, relative to the sum of their radii.
const LONER_DISTANCE: f64 = 1.7;

/// Most cells of a FOV at the start; leaves IDs for those beyond the border and for daughters.
const MOST_CELLS: f64 = 20_000.0;

/// Attempts at finding a free place for one cell.
const ATTEMPTS: u32 = 600;

/// The rectangle of positions that cell centres may take, in frame coordinates (y, x), px.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct World {
    low: (f64, f64),
    high: (f64, f64),
}

impl World {
    /// The world of a FOV of `size` (height, width) px: larger than the frame, so that cells come and go, or, for
    /// [`Layout::Separate`], small enough that no cell is cut.
    pub fn new(params: &SimulationParams, size: (u32, u32)) -> Self {
        let largest = f64::from(params.cell_radius.1);
        let beyond = match params.layout {
            Layout::Separate => -(largest * REACH + SEPARATE_MARGIN),
            Layout::Mixed | Layout::Crowded => 1.5 * largest,
        };
        Self { low: (-beyond, -beyond), high: (f64::from(size.0) + beyond, f64::from(size.1) + beyond) }
    }

    /// Whether a centre may be here.
    pub fn contains(&self, (y, x): (f64, f64)) -> bool {
        let inside_y = y >= self.low.0 && y <= self.high.0;
        inside_y && x >= self.low.1 && x <= self.high.1
    }

    /// Number of cells that gives `cells` per frame area of `size`.
    pub fn population(&self, params: &SimulationParams, size: (u32, u32)) -> u32 {
        if params.layout == Layout::Separate {
            return params.cells;
        }
        let area = (self.high.0 - self.low.0) * (self.high.1 - self.low.1);
        let frame = f64::from(size.0) * f64::from(size.1);
        let radius = typical_radius(params);
        let room = LARGEST_COVERAGE * area / (std::f64::consts::PI * radius * radius);
        (f64::from(params.cells) * area / frame).min(room).round() as u32
    }

    fn draw(&self, random: &mut RandomStream) -> (f64, f64) {
        let y = random.uniform(self.low.0, self.high.0);
        (y, random.uniform(self.low.1, self.high.1))
    }
}

/// A cell as a body in space.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body {
    /// Mean radius, px.
    pub radius: f64,
    /// A radius that the outline never exceeds, px.
    pub reach: f64,
    /// Whether the cell seeks contact, in the layouts that have contact.
    pub sociable: bool,
}

/// The distance that cells keep from each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spacing {
    layout: Layout,
    /// Distance between the centres of two cells that seek no contact, relative to the sum of their radii.
    loner_distance: f64,
}

impl Spacing {
    /// The spacing of a FOV of `size` px. In [`Layout::Mixed`] cells spread out as far as their number allows.
    pub fn new(params: &SimulationParams, size: (u32, u32)) -> Self {
        let frame = f64::from(size.0) * f64::from(size.1);
        let per_cell = LARGEST_COVERAGE * frame / f64::from(params.cells.max(1));
        let disc_radius = (per_cell / std::f64::consts::PI).sqrt();
        Self {
            layout: params.layout,
            loner_distance: (disc_radius / typical_radius(params)).clamp(1.0, LONER_DISTANCE),
        }
    }

    /// Least distance between the centres of two cells, px.
    pub fn least_distance(&self, a: Body, b: Body) -> f64 {
        let touching = a.radius + b.radius;
        match self.layout {
            Layout::Separate => a.reach + b.reach + touching,
            Layout::Mixed if a.sociable || b.sociable => touching,
            Layout::Mixed => self.loner_distance * touching,
            Layout::Crowded => 0.93 * touching,
        }
    }

    /// Whether a body may start at `position`, given those already placed.
    fn is_free(&self, body: Body, position: (f64, f64), placed: &[(Body, (f64, f64))]) -> bool {
        for &(other, other_position) in placed {
            let least = self.least_distance(body, other);
            if square_distance(position, other_position) < least * least {
                return false;
            }
        }
        true
    }
}

/// Share of cells that seek contact.
pub(super) fn sociability(layout: Layout) -> f64 {
    match layout {
        Layout::Mixed => 0.1,
        Layout::Separate => 0.0,
        Layout::Crowded => 0.8,
    }
}

/// Root of the mean square radius, px.
fn typical_radius(params: &SimulationParams) -> f64 {
    let low = f64::from(params.cell_radius.0);
    let high = f64::from(params.cell_radius.1);
    ((low * low + low * high + high * high) / 3.0).sqrt()
}

/// The largest `cells` that a FOV of `size` px takes in the layout.
pub(super) fn capacity(params: &SimulationParams, size: (u32, u32)) -> u32 {
    let radius = typical_radius(params);
    let typical = Body { radius, reach: radius * (REACH - 0.1), sociable: true };
    let spacing = Spacing::new(params, size).least_distance(typical, typical);
    let (height, width) = match params.layout {
        Layout::Separate => {
            let world = World::new(params, size);
            let sides = (world.high.0 - world.low.0, world.high.1 - world.low.1);
            if sides.0 < 0.0 || sides.1 < 0.0 {
                return 0;
            }
            (sides.0 + spacing, sides.1 + spacing)
        }
        Layout::Mixed | Layout::Crowded => (f64::from(size.0), f64::from(size.1)),
    };
    let disc = std::f64::consts::PI * spacing * spacing / 4.0;
    (LARGEST_COVERAGE * height * width / disc).clamp(1.0, MOST_CELLS) as u32
}

/// Finds a starting place (y, x) for each body in turn, each keeping its distance from those before it. A body for which
/// no place is found is left out (`None`), which takes more cells than [`capacity`] allows or very bad luck.
pub(super) fn place(
    random: &mut RandomStream,
    world: World,
    spacing: Spacing,
    bodies: &[Body],
) -> Vec<Option<(f64, f64)>> {
    let mut placed: Vec<(Body, (f64, f64))> = Vec::new();
    let mut places = Vec::with_capacity(bodies.len());
    for &body in bodies {
        let beside_another = body.sociable && !placed.is_empty();
        let mut place = None;
        for _ in 0..ATTEMPTS {
            let candidate =
                if beside_another { draw_beside(random, spacing, body, &placed) } else { world.draw(random) };
            if world.contains(candidate) && spacing.is_free(body, candidate, &placed) {
                place = Some(candidate);
                break;
            }
        }
        if let Some(position) = place {
            placed.push((body, position));
        }
        places.push(place);
    }
    places
}

/// A position in contact with one of the cells already placed.
fn draw_beside(random: &mut RandomStream, spacing: Spacing, body: Body, placed: &[(Body, (f64, f64))]) -> (f64, f64) {
    let index = (random.unit() * placed.len() as f64) as usize;
    let (other, (y, x)) = placed[index];
    let distance = spacing.least_distance(body, other) * 1.001;
    let angle = random.angle();
    (y + distance * libm::sin(angle), x + distance * libm::cos(angle))
}

/// Square of the distance between two points.
pub(super) fn square_distance(a: (f64, f64), b: (f64, f64)) -> f64 {
    (a.0 - b.0) * (a.0 - b.0) + (a.1 - b.1) * (a.1 - b.1)
}

#[cfg(test)]
mod tests {
    use super::super::random::Purpose;
    use super::*;

    #[test]
    fn as_many_cells_as_the_capacity_find_a_place_in_every_layout() {
        for layout in [Layout::Mixed, Layout::Separate, Layout::Crowded] {
            let mut params = SimulationParams { layout, ..Default::default() };
            params.cells = capacity(&params, (512, 512));
            for seed in 0..20 {
                let mut random = RandomStream::new(seed, Purpose::Scene, [0, 0]);
                let world = World::new(&params, (512, 512));
                let mut bodies = Vec::new();
                for _ in 0..world.population(&params, (512, 512)) {
                    let radius = random.uniform(13.0, 26.0);
                    let sociable = random.chance(sociability(layout));
                    let reach = radius * 1.25;
                    bodies.push(Body { radius, reach, sociable });
                }
                let spacing = Spacing::new(&params, (512, 512));
                let places = place(&mut random, world, spacing, &bodies);
                let found = places.iter().flatten().count();
                assert_eq!(found, bodies.len(), "{layout:?}, seed {seed}");
            }
        }
    }

    #[test]
    fn separate_cells_have_a_diameter_between_their_outlines() {
        let params = SimulationParams { layout: Layout::Separate, ..Default::default() };
        let body = |radius, reach| Body { radius, reach, sociable: false };
        let spacing = Spacing::new(&params, (512, 512));
        let gap = spacing.least_distance(body(10.0, 12.0), body(20.0, 25.0)) - 12.0 - 25.0;
        assert_eq!(gap, 30.0);
    }
}
