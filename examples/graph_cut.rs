//! Segments a noisy picture by a graph cut, the third problem of the Hogwild paper, and writes it
//! before and after: `cargo run --release --example graph_cut -- [FOLDER]` (default: the temporary
//! folder).
//!
//! Each pixel is a node that gets one of three grays. Distant grays cost more, and so do neighbors
//! with different grays.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use wildsgd::internal::save;
use wildsgd::problem::{Cut, Edge};
use wildsgd::train::{Settings, minimize};

const SIDE: usize = 96;
const GRAYS: [f64; 3] = [0.15, 0.5, 0.85];

/// A ring and a bar on a background.
fn truth(x: usize, y: usize) -> usize {
    let [dx, dy] = [x, y].map(|at| at as f64 - SIDE as f64 / 2.0);
    let far = dx.hypot(dy);
    if dx.abs() < 5.0 && dy.abs() < 40.0 {
        2
    } else if (18.0..32.0).contains(&far) {
        1
    } else {
        0
    }
}

fn write(path: &Path, grays: impl Iterator<Item = f64>) -> wildsgd::Result<()> {
    let pixels: Vec<u8> = grays.map(|gray| (gray.clamp(0.0, 1.0) * 255.0) as u8).collect();
    save::atomically(path, |out| {
        writeln!(out, "P5 {SIDE} {SIDE} 255")?;
        out.write_all(&pixels)
    })
}

fn main() -> wildsgd::Result<()> {
    let folder = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let positions = || (0..SIDE * SIDE).map(|pixel| (pixel % SIDE, pixel / SIDE));
    let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
    let noisy: Vec<f64> = positions()
        .map(|(x, y)| GRAYS[truth(x, y)] + 0.9 * (random.random::<f64>() - 0.5))
        .collect();

    let costs: Vec<f32> =
        noisy.iter().flat_map(|gray| GRAYS.map(|label| (gray - label).powi(2) as f32)).collect();
    let edges: Vec<Edge> = positions()
        .flat_map(|(x, y)| {
            [(x + 1 < SIDE, 1), (y + 1 < SIDE, SIDE)]
                .map(|(joined, step)| (joined, y * SIDE + x, step))
        })
        .filter(|&(joined, ..)| joined)
        .map(|(_, pixel, step)| Edge { u: pixel as u32, v: (pixel + step) as u32, cost: 0.12 })
        .collect();
    let cut = Cut::new(GRAYS.len(), &costs, &edges, 1)?;
    let fit =
        minimize::<_, f32>(&cut, &Settings::default(), None, &mut |_| ControlFlow::Continue(()))?;
    let labels = cut.labeling(&fit.weights);

    let alone: Vec<usize> = costs
        .chunks(GRAYS.len())
        .map(|costs| {
            (0..GRAYS.len()).min_by(|&a, &b| costs[a].total_cmp(&costs[b])).expect("three grays")
        })
        .collect();
    let wrong = |labels: &[usize]| {
        let wrong =
            labels.iter().zip(positions()).filter(|&(&label, (x, y))| label != truth(x, y)).count();
        100.0 * wrong as f64 / labels.len() as f64
    };
    let (before, after) = (folder.join("graph_cut_before.pgm"), folder.join("graph_cut_after.pgm"));
    write(&before, noisy.iter().copied())?;
    write(&after, labels.iter().map(|&label| GRAYS[label]))?;
    println!(
        "cost {:.2} after {} epochs, {:.2} with each pixel alone; {:.1} % of the pixels wrong, {:.1} % alone; {} and {}",
        cut.cost(&labels),
        fit.epochs.len(),
        cut.cost(&alone),
        wrong(&labels),
        wrong(&alone),
        before.display(),
        after.display()
    );
    assert!(wrong(&labels) < 3.0, "the cut has not removed the noise");
    Ok(())
}
