//! The transpose of a matrix, block by block, so that what is read stays in cache until it is written.

use crate::real::Real;

/// Side of a block.
const BLOCK: usize = 16;

/// Puts each number of `from`, in rows of `columns`, with its place in `to`, the transpose.
#[inline(always)]
pub(crate) fn transpose<R: Real>(from: &[R], columns: usize, to: &mut [R], put: impl Fn(&mut R, R)) {
    let rows = from.len() / columns;
    for row in (0..rows).step_by(BLOCK) {
        for column in (0..columns).step_by(BLOCK) {
            if rows - row >= BLOCK && columns - column >= BLOCK {
                let mut block = [[R::ZERO; BLOCK]; BLOCK];
                for (i, block) in block.iter_mut().enumerate() {
                    block.copy_from_slice(&from[(row + i) * columns + column..][..BLOCK]);
                }
                for j in 0..BLOCK {
                    let to = &mut to[(column + j) * rows + row..][..BLOCK];
                    for (i, to) in to.iter_mut().enumerate() {
                        put(to, block[i][j]);
                    }
                }
                continue;
            }
            for j in column..columns.min(column + BLOCK) {
                for i in row..rows.min(row + BLOCK) {
                    put(&mut to[j * rows + i], from[i * columns + j]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_finds_its_place() {
        for (rows, columns) in [(1, 1), (16, 16), (33, 20), (5, 48), (640, 128)] {
            let from: Vec<f32> = (0..rows * columns).map(|i| i as f32).collect();
            let mut to = vec![1.0; from.len()];
            transpose(&from, columns, &mut to, |to, from| *to += from);
            for i in 0..rows {
                for j in 0..columns {
                    assert_eq!(to[j * rows + i], from[i * columns + j] + 1.0);
                }
            }
        }
    }
}
