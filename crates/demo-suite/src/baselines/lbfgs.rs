//! Smooth convex minimisation by limited-memory BFGS (Liu and Nocedal, Mathematical Programming 45,
//! 1989): the step is the gradient turned by the curvature of the last few steps, halved until the
//! function falls enough. One evaluation an iteration, as a rule.

use std::collections::VecDeque;

/// Steps whose curvature is remembered.
const MEMORY: usize = 6;

/// Takes `start` to where the gradient's length is at most `tolerance` times that of the start's, or as
/// far as `most` iterations bring it; gives the value reached.
///
/// `function` gives the value at a point and writes the gradient.
pub(super) fn minimise(
    start: &mut [f64],
    tolerance: f64,
    most: usize,
    mut function: impl FnMut(&[f64], &mut [f64]) -> f64,
) -> f64 {
    let size = start.len();
    let mut gradient = vec![0.0; size];
    let mut value = function(start, &mut gradient);
    let goal = tolerance * norm(&gradient).max(f64::MIN_POSITIVE);
    let mut past: VecDeque<Past> = VecDeque::with_capacity(MEMORY);
    let (mut point, mut slope) = (vec![0.0; size], vec![0.0; size]);
    for _ in 0..most {
        if norm(&gradient) <= goal {
            break;
        }
        let mut direction = turned(&gradient, &past);
        let mut descent = dot(&direction, &gradient);
        if descent >= 0.0 {
            // Curvature spoilt by rounding: forget it and go straight down.
            past.clear();
            direction = gradient.iter().map(|g| -g).collect();
            descent = -dot(&gradient, &gradient);
        }
        // Nothing is known of the scale before the first step.
        let mut step = if past.is_empty() { (1.0 / norm(&gradient)).min(1.0) } else { 1.0 };
        let mut fallen = false;
        for _ in 0..40 {
            for ((to, from), along) in point.iter_mut().zip(start.iter()).zip(&direction) {
                *to = from + step * along;
            }
            let reached = function(&point, &mut slope);
            if reached <= value + 1e-4 * step * descent {
                value = reached;
                fallen = true;
                break;
            }
            step /= 2.0;
        }
        if !fallen {
            break;
        }
        let moved: Vec<f64> = direction.iter().map(|along| step * along).collect();
        let changed: Vec<f64> = slope.iter().zip(&gradient).map(|(new, old)| new - old).collect();
        let curvature = dot(&moved, &changed);
        if curvature > 1e-14 * norm(&moved) * norm(&changed) {
            if past.len() == MEMORY {
                past.pop_front();
            }
            past.push_back(Past { moved, changed, curvature });
        }
        start.copy_from_slice(&point);
        std::mem::swap(&mut gradient, &mut slope);
    }
    value
}

struct Past {
    moved: Vec<f64>,
    changed: Vec<f64>,
    curvature: f64,
}

/// Minus the inverse curvature times the gradient, by the two loops.
fn turned(gradient: &[f64], past: &VecDeque<Past>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut factors = Vec::with_capacity(past.len());
    for step in past.iter().rev() {
        let factor = dot(&step.moved, &direction) / step.curvature;
        add(&mut direction, -factor, &step.changed);
        factors.push(factor);
    }
    if let Some(last) = past.back() {
        let scale = last.curvature / dot(&last.changed, &last.changed);
        for value in &mut direction {
            *value *= scale;
        }
    }
    for (step, factor) in past.iter().zip(factors.into_iter().rev()) {
        let other = dot(&step.changed, &direction) / step.curvature;
        add(&mut direction, factor - other, &step.moved);
    }
    direction
}

fn add(to: &mut [f64], factor: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += factor * what);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quadratic_of_known_minimum_is_solved() {
        // Σ c_i (x_i - i)² with curvatures from 1 to 1,000.
        let curvature = |i: usize| 10.0_f64.powf(3.0 * i as f64 / 19.0);
        let mut point = vec![5.0; 20];
        let value = minimise(&mut point, 1e-10, 500, |x, gradient| {
            let mut value = 0.0;
            for (i, (x, g)) in x.iter().zip(gradient).enumerate() {
                let off = x - i as f64;
                value += curvature(i) * off * off;
                *g = 2.0 * curvature(i) * off;
            }
            value
        });
        assert!(value < 1e-12, "{value}");
        assert!(point.iter().enumerate().all(|(i, x)| (x - i as f64).abs() < 1e-6));
    }

    #[test]
    fn the_valley_of_rosenbrock_is_walked() {
        let mut point = [-1.2, 1.0];
        minimise(&mut point, 1e-12, 1_000, |x, gradient| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            gradient[0] = -2.0 * a - 400.0 * x[0] * b;
            gradient[1] = 200.0 * b;
            a * a + 100.0 * b * b
        });
        assert!((point[0] - 1.0).abs() < 1e-6 && (point[1] - 1.0).abs() < 1e-6, "{point:?}");
    }
}
