//! Interpolating tensor-product splines, with the semantics of scipy's `RectBivariateSpline(y, x, values, s=0)`.
//!
//! Along each axis the spline has degree `min(3, n − 1)` for `n` sites. FITPACK places the knots of an interpolating cubic
//! at all sites but the second and the last but one ("not-a-knot"), with the outer ones four-fold; at two or three sites the
//! spline is one polynomial. With one site it is constant. Outside the outer sites the position is clamped to them.
//!
//! The coefficients solve the B-spline collocation equations (de Boor, *A Practical Guide to Splines*, chapter XIII), one
//! banded system for each axis. Its matrix is totally positive, so that elimination needs no pivoting (de Boor & Pinkus
//! 1977).

use ndarray::{Array2, ArrayView2, ArrayViewMut1, Axis};

/// B-splines of degree 3 or less: at most 4 of them differ from 0 at any position.
const MAX_ORDER: usize = 4;

/// The B-splines that differ from 0 at a position: their values, 0 beyond the degree, and the index of the first.
#[derive(Clone, Copy, Debug)]
struct LocalBasis {
    first: usize,
    values: [f64; MAX_ORDER],
}

/// The B-spline basis for interpolation at given sites.
#[derive(Debug)]
struct Basis<'a> {
    sites: &'a [f64],
    degree: usize,
    knots: Vec<f64>,
}

impl<'a> Basis<'a> {
    /// `sites` increase strictly; there is one at least.
    fn new(sites: &'a [f64]) -> Self {
        let degree = (sites.len() - 1).min(MAX_ORDER - 1);
        let num_inner_knots = sites.len() - degree - 1;
        let mut knots = vec![sites[0]; degree + 1];
        knots.extend(sites.iter().skip(2).take(num_inner_knots));
        knots.extend(vec![sites[sites.len() - 1]; degree + 1]);
        Basis { sites, degree, knots }
    }

    /// The basis at a position, by the recursion of Cox and de Boor. Positions beyond the outer sites are clamped.
    fn at(&self, position: f64) -> LocalBasis {
        let num_sites = self.sites.len();
        let position = position.clamp(self.sites[0], self.sites[num_sites - 1]);
        // the knot interval: the last one that begins at or before the position and is not empty
        let inner_knots = &self.knots[self.degree + 1..num_sites];
        let interval = self.degree + inner_knots.partition_point(|knot| *knot <= position);
        let mut values = [0.0; MAX_ORDER];
        values[0] = 1.0;
        for degree in 1..=self.degree {
            let mut carried = 0.0;
            for (index, value) in values.iter_mut().enumerate().take(degree) {
                let left = self.knots[interval + 1 + index - degree];
                let right = self.knots[interval + 1 + index];
                let share = *value / (right - left);
                *value = carried + (right - position) * share;
                carried = (position - left) * share;
            }
            values[degree] = carried;
        }
        LocalBasis { first: interval - self.degree, values }
    }
}

/// The collocation matrix `B_j(site_i)` after elimination: factors `L` (unit lower) and `U` in one band, where entry
/// `j − i + BAND` of row `i` stands for column `j`.
#[derive(Debug)]
struct Collocation {
    rows: Vec<[f64; 2 * BAND + 1]>,
}

/// How far entries lie from the diagonal.
const BAND: usize = MAX_ORDER - 1;

impl Collocation {
    fn new(basis: &Basis<'_>) -> Self {
        let mut rows = vec![[0.0; 2 * BAND + 1]; basis.sites.len()];
        for (site, row) in rows.iter_mut().enumerate() {
            let local = basis.at(basis.sites[site]);
            for (offset, value) in local.values.iter().enumerate().take(basis.degree + 1) {
                row[local.first + offset + BAND - site] = *value;
            }
        }
        for pivot in 0..rows.len() {
            let pivot_row = rows[pivot];
            for row in pivot + 1..rows.len().min(pivot + BAND + 1) {
                let below = row - pivot;
                let factor = rows[row][BAND - below] / pivot_row[BAND];
                rows[row][BAND - below] = factor;
                for right in 1..=BAND {
                    rows[row][BAND - below + right] -= factor * pivot_row[BAND + right];
                }
            }
        }
        Collocation { rows }
    }

    /// Replaces the values at the sites by the coefficients of the spline through them.
    fn solve(&self, mut values: ArrayViewMut1<'_, f64>) {
        let num_sites = self.rows.len();
        for row in 0..num_sites {
            for column in row.saturating_sub(BAND)..row {
                values[row] -= self.rows[row][BAND + column - row] * values[column];
            }
        }
        for row in (0..num_sites).rev() {
            for column in row + 1..num_sites.min(row + BAND + 1) {
                values[row] -= self.rows[row][BAND + column - row] * values[column];
            }
            values[row] /= self.rows[row][BAND];
        }
    }
}

/// The spline through `values` at the sites `y_sites × x_sites`, evaluated at each pixel `(y, x)` of a frame of `height ×
/// width`, in double precision and rounded to float32 at the end.
///
/// Sites increase strictly and are in pixel coordinates. Without any site the result is 0 throughout.
///
/// # Panics
/// If the shape of `values` is not the numbers of sites.
pub fn interpolate(
    y_sites: &[f64],
    x_sites: &[f64],
    values: ArrayView2<'_, f64>,
    height: usize,
    width: usize,
) -> Array2<f32> {
    assert_eq!(values.dim(), (y_sites.len(), x_sites.len()), "one value for each pair of sites");
    let mut image = Array2::zeros((height, width));
    if values.is_empty() {
        return image;
    }
    let y_basis = Basis::new(y_sites);
    let x_basis = Basis::new(x_sites);
    let coefficients = coefficients(&y_basis, &x_basis, values);
    let x_runs = runs(&x_basis, width);
    // zeros behind the last coefficient, so that four can be read from any position
    let mut row_coefficients = vec![0.0; x_sites.len() + BAND];
    let mut row_pixels = vec![0.0f32; width];
    for (y, mut image_row) in image.axis_iter_mut(Axis(0)).enumerate() {
        let y_local = y_basis.at(y as f64);
        for (x, sum) in row_coefficients.iter_mut().enumerate().take(x_sites.len()) {
            *sum = 0.0;
            for (offset, weight) in y_local.values.iter().enumerate().take(y_basis.degree + 1) {
                *sum += weight * coefficients[[y_local.first + offset, x]];
            }
        }
        for run in &x_runs {
            run.evaluate(&row_coefficients, &mut row_pixels);
        }
        image_row.iter_mut().zip(&row_pixels).for_each(|(pixel, value)| *pixel = *value);
    }
    image
}

/// Pixels of a row between which the same B-splines differ from 0, so that they share coefficients.
#[derive(Debug)]
struct Run {
    first_pixel: usize,
    first_coefficient: usize,
    weights: Vec<[f64; MAX_ORDER]>,
}

impl Run {
    fn evaluate(&self, coefficients: &[f64], pixels: &mut [f32]) {
        let c = &coefficients[self.first_coefficient..self.first_coefficient + MAX_ORDER];
        let (c0, c1, c2, c3) = (c[0], c[1], c[2], c[3]);
        for (pixel, [w0, w1, w2, w3]) in pixels[self.first_pixel..].iter_mut().zip(&self.weights) {
            *pixel = (w0 * c0 + w1 * c1 + w2 * c2 + w3 * c3) as f32;
        }
    }
}

/// The basis at the pixels `0..length` of an axis.
fn runs(basis: &Basis<'_>, length: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for pixel in 0..length {
        let local = basis.at(pixel as f64);
        match runs.last_mut() {
            Some(run) if run.first_coefficient == local.first => run.weights.push(local.values),
            _ => runs.push(Run { first_pixel: pixel, first_coefficient: local.first, weights: vec![local.values] }),
        }
    }
    runs
}

fn coefficients(y_basis: &Basis<'_>, x_basis: &Basis<'_>, values: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut coefficients = values.to_owned();
    let along_y = Collocation::new(y_basis);
    for column in coefficients.columns_mut() {
        along_y.solve(column);
    }
    let along_x = Collocation::new(x_basis);
    for row in coefficients.rows_mut() {
        along_x.solve(row);
    }
    coefficients
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::*;

    fn polynomial(position: f64, degree: usize) -> f64 {
        let scaled = position / 10.0 - 0.7;
        (0..=degree).map(|power| (power as f64 - 1.6) * scaled.powi(power as i32)).sum()
    }

    fn increasing_sites() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(1usize..5, 1..8).prop_map(|gaps| {
            let mut site = -1.0;
            gaps.iter()
                .map(|gap| {
                    site += *gap as f64;
                    site
                })
                .collect()
        })
    }

    #[test]
    fn one_site_is_constant_and_two_are_linear() {
        assert_eq!(interpolate(&[4.5], &[2.0], array![[7.25]].view(), 2, 2), array![[7.25, 7.25], [7.25, 7.25]]);
        let linear = interpolate(&[0.0], &[1.0, 3.0], array![[10.0, 20.0]].view(), 1, 6);
        assert_eq!(linear, array![[10.0, 10.0, 15.0, 20.0, 20.0, 20.0]]);
        let no_sites = interpolate(&[], &[], Array2::zeros((0, 0)).view(), 0, 0);
        assert_eq!(no_sites.dim(), (0, 0));
    }

    #[test]
    fn knots_are_those_of_fitpack() {
        let sites = [0.0, 1.0, 3.0, 4.0, 7.0, 9.0];
        assert_eq!(Basis::new(&sites).knots, [0.0, 0.0, 0.0, 0.0, 3.0, 4.0, 9.0, 9.0, 9.0, 9.0]);
        assert_eq!(Basis::new(&sites[..4]).knots, [0.0, 0.0, 0.0, 0.0, 4.0, 4.0, 4.0, 4.0]);
        assert_eq!(Basis::new(&sites[..3]).knots, [0.0, 0.0, 0.0, 3.0, 3.0, 3.0]);
        assert_eq!(Basis::new(&sites[..2]).knots, [0.0, 0.0, 1.0, 1.0]);
    }

    proptest! {
        #[test]
        fn passes_through_its_values(
            y_sites in increasing_sites(), x_sites in increasing_sites(),
            seed in prop::collection::vec(-1e4..1e4f64, 49),
        ) {
            let values = Array2::from_shape_fn((y_sites.len(), x_sites.len()), |(y, x)| seed[7 * y + x]);
            let image = interpolate(&y_sites, &x_sites, values.view(), 40, 40);
            for ((y, x), value) in values.indexed_iter() {
                let pixel = image[[y_sites[y] as usize, x_sites[x] as usize]];
                prop_assert!((f64::from(pixel) - value).abs() < 2e-3, "{} vs {}", pixel, value);
            }
        }

        #[test]
        fn reproduces_polynomials_of_its_degree_and_clamps(y_sites in increasing_sites(), x_sites in increasing_sites()) {
            let y_degree = (y_sites.len() - 1).min(3);
            let x_degree = (x_sites.len() - 1).min(3);
            let surface = |y: f64, x: f64| polynomial(y, y_degree) * polynomial(x, x_degree);
            let values = Array2::from_shape_fn((y_sites.len(), x_sites.len()), |(y, x)| surface(y_sites[y], x_sites[x]));
            let image = interpolate(&y_sites, &x_sites, values.view(), 35, 35);
            for ((y, x), pixel) in image.indexed_iter() {
                let y = (y as f64).clamp(y_sites[0], y_sites[y_sites.len() - 1]);
                let x = (x as f64).clamp(x_sites[0], x_sites[x_sites.len() - 1]);
                let expected = surface(y, x);
                prop_assert!((f64::from(*pixel) - expected).abs() < 1e-5 * (1.0 + expected.abs()));
            }
        }
    }
}
