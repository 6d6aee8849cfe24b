//! The strategies that are compared, by name.

use std::fmt;
use std::str::FromStr;

use crate::strategy::{Bounds, Update};
use crate::train::{Clustering, Sharing};

/// A strategy with a name of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Way {
    name: &'static str,
    /// How workers share the weights.
    pub sharing: Sharing,
}

/// All ways with the settings that they have where none are asked for: those of sharing by name, hogwild once an update.
fn all() -> Vec<Way> {
    let updates = [
        ("hogwild", Update::Merged),
        ("hogwild-wild", Update::Wild),
        ("hogwild-split", Update::Split),
        ("hogwild-atomic", Update::Atomic),
    ];
    let hogwild = updates.map(|(name, update)| Way { name, sharing: Sharing::Hogwild(update) });
    let others = [
        Sharing::HogwildPlusPlus(Clustering::default()),
        Sharing::Synchronous { backups: 0 },
        Sharing::BoundedStaleness(Bounds::default()),
        Sharing::AllReduce,
        Sharing::Averaging { every: 1 },
        Sharing::Locked,
        Sharing::RoundRobin,
        Sharing::Auto,
    ];
    let others = others.map(|sharing| Way { name: sharing.name(), sharing });
    [Way::SEQUENTIAL].into_iter().chain(hogwild).chain(others).collect()
}

impl Way {
    /// One thread without atomics: what all are compared with.
    pub const SEQUENTIAL: Way = Way { name: "sequential", sharing: Sharing::Sequential };

    /// All that differ from each other: `auto` is one of the others.
    pub fn all() -> Vec<Way> {
        all().into_iter().filter(|way| way.sharing != Sharing::Auto).collect()
    }

    /// The name that it is known by.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Whether it can use more than one thread.
    pub fn is_parallel(self) -> bool {
        self.sharing != Sharing::Sequential
    }
}

impl FromStr for Way {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        all().into_iter().find(|way| way.name == text).ok_or_else(|| {
            let names: Vec<&str> = all().iter().map(|way| way.name).collect();
            format!("no strategy has this name; there are {}", names.join(", "))
        })
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
