//! The machine's topology: processors that share sockets, caches and cores. Read from sysfs; where
//! that is missing, each processor is a core of one socket with one cache.

use std::collections::BTreeSet;
use std::fs;

/// A processor that this process may run on, and the socket, cache and core that it belongs to. A
/// cache or core is named by the lowest number among its processors, a socket by the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cpu {
    id: usize,
    socket: usize,
    /// Last-level cache.
    cache: usize,
    core: usize,
}

/// The processors that this process may run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Ordered by socket, cache and core, so that neighbors are near each other.
    cpus: Vec<Cpu>,
}

/// Most clusters by default. Up to this many, a pass with the ring learned as much as one thread.
const MOST_CLUSTERS: usize = 4;

impl Topology {
    /// Detects the topology of the processors in the process's affinity mask.
    pub fn detect() -> Self {
        let read = |path: &str| fs::read_to_string(format!("/sys/devices/system/cpu/{path}")).ok();
        Self::read(&allowed(), &read)
    }

    /// Returns `count` cores with one cache.
    #[cfg(test)]
    pub(crate) fn of(count: usize) -> Self {
        Self::read(&(0..count).collect::<Vec<_>>(), &|_| None)
    }

    /// Reads the topology of the processors `allowed`, through `read`, which returns a file under
    /// `/sys/devices/system/cpu`.
    fn read(allowed: &[usize], read: &impl Fn(&str) -> Option<String>) -> Self {
        let mut cpus: Vec<Cpu> = allowed.iter().map(|&id| cpu(id, read)).collect();
        cpus.sort_by_key(|cpu| (cpu.socket, cpu.cache, cpu.core, cpu.id));
        Topology { cpus }
    }

    /// Returns the number of clusters that suits `workers`: one per socket; with one socket, one
    /// per last-level cache; with one cache, one per core. At most the number of workers, and at
    /// most 4.
    pub fn clusters(&self, workers: usize) -> usize {
        let most = workers.clamp(1, MOST_CLUSTERS);
        self.parts().into_iter().find(|&parts| parts > 1).map_or(1, |parts| parts.min(most))
    }

    /// Returns the number of processors.
    pub fn processors(&self) -> usize {
        self.cpus.len()
    }

    /// Returns the numbers of different sockets, last-level caches and cores among the processors.
    pub fn parts(&self) -> [usize; 3] {
        let count =
            |part: fn(&Cpu) -> usize| self.cpus.iter().map(part).collect::<BTreeSet<_>>().len();
        [count(|cpu| cpu.socket), count(|cpu| cpu.cache), count(|cpu| cpu.core)]
    }

    /// Returns a processor for each worker. Clusters get runs of neighbors, and the workers of a
    /// cluster distinct cores, as far as there are enough. `sizes` holds the number of workers of
    /// each cluster.
    pub fn places(&self, sizes: &[usize]) -> Vec<usize> {
        let (cpus, clusters) = (self.cpus.len(), sizes.len());
        let mut places = Vec::new();
        for (k, &size) in sizes.iter().enumerate() {
            let start = k * cpus / clusters;
            let run = &self.cpus[start..((k + 1) * cpus / clusters).max(start + 1).min(cpus)];
            let mut cores = BTreeSet::new();
            let (mut ids, siblings): (Vec<&Cpu>, Vec<&Cpu>) =
                run.iter().partition(|cpu| cores.insert(cpu.core));
            ids.extend(siblings);
            places.extend(ids.iter().map(|cpu| cpu.id).cycle().take(size));
        }
        places
    }
}

fn cpu(id: usize, read: &impl Fn(&str) -> Option<String>) -> Cpu {
    let number = |path: String| read(&path)?.trim().parse::<usize>().ok();
    // (level, lowest processor) of each cache.
    let caches: Vec<(usize, usize)> = (0..)
        .map_while(|index| {
            let cache = format!("cpu{id}/cache/index{index}");
            let level = number(format!("{cache}/level"))?;
            let shared = read(&format!("{cache}/shared_cpu_list"))?;
            Some((level, list(&shared).into_iter().min().unwrap_or(id)))
        })
        .collect();
    Cpu {
        id,
        socket: number(format!("cpu{id}/topology/physical_package_id")).unwrap_or(0),
        cache: caches.iter().max_by_key(|cache| cache.0).map_or(0, |cache| cache.1),
        core: caches.iter().min_by_key(|cache| cache.0).map_or(id, |cache| cache.1),
    }
}

/// Parses a list of numbers such as `0-3,8,10-11`.
fn list(text: &str) -> Vec<usize> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
    };
    text.split(',').filter_map(range).flatten().collect()
}

#[cfg(target_os = "linux")]
pub(crate) use linux::allowed;
#[cfg(target_os = "linux")]
pub(crate) use linux::{Pin, pin};
#[cfg(not(target_os = "linux"))]
pub(crate) use others::allowed;
#[cfg(not(target_os = "linux"))]
pub(crate) use others::{Pin, pin};

#[cfg(target_os = "linux")]
mod linux {
    use std::io;

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    /// Returns the processors in the process's affinity mask.
    pub(crate) fn allowed() -> Vec<usize> {
        let mask = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
        let cpus: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&cpu| mask.is_set(cpu)).collect();
        if cpus.is_empty() { vec![0] } else { cpus }
    }

    /// Restores the calling thread's affinity mask when it is dropped.
    pub(crate) struct Pin(CpuSet);

    /// Pins the calling thread to processor `cpu` until the returned value is dropped.
    pub(crate) fn pin(cpu: usize) -> io::Result<Pin> {
        let before = sched_getaffinity(None)?;
        let mut mask = CpuSet::new();
        mask.set(cpu);
        sched_setaffinity(None, &mask)?;
        Ok(Pin(before))
    }

    impl Drop for Pin {
        fn drop(&mut self) {
            // The mask was valid a moment ago. If the system has shrunk it since, it has set
            // another one itself.
            let _ = sched_setaffinity(None, &self.0);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod others {
    use std::{io, thread};

    /// Returns numbers for as many processors as the system says the process may use.
    pub(crate) fn allowed() -> Vec<usize> {
        (0..thread::available_parallelism().map_or(1, usize::from)).collect()
    }

    /// Never created.
    pub(crate) struct Pin;

    /// Returns an error: pinning is not supported here.
    pub(crate) fn pin(_: usize) -> io::Result<Pin> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Returns a machine of `cpus` processors, given each one's socket, the processors of its
    /// last-level cache, and those of its core.
    fn machine(cpus: usize, part: impl Fn(usize) -> (usize, String, String)) -> Topology {
        let mut files = HashMap::new();
        for id in 0..cpus {
            let (socket, cache, core) = part(id);
            files.insert(format!("cpu{id}/topology/physical_package_id"), format!("{socket}\n"));
            for (index, (level, shared)) in
                [("1", &core), ("1", &core), ("2", &core), ("3", &cache)].iter().enumerate()
            {
                files.insert(format!("cpu{id}/cache/index{index}/level"), format!("{level}\n"));
                files.insert(
                    format!("cpu{id}/cache/index{index}/shared_cpu_list"),
                    format!("{shared}\n"),
                );
            }
        }
        let all: Vec<usize> = (0..cpus).collect();
        Topology::read(&all, &|path| files.get(path).cloned())
    }

    /// Returns two sockets of four cores with two threads each. Processors k and k + 8 are one
    /// core.
    fn two_sockets() -> Topology {
        machine(16, |id| {
            let (core, socket) = (id % 8, id % 8 / 4);
            let cache =
                format!("{}-{},{}-{}", socket * 4, socket * 4 + 3, socket * 4 + 8, socket * 4 + 11);
            (socket, cache, format!("{core},{}", core + 8))
        })
    }

    #[test]
    fn clusters_follow_sockets_then_caches_then_cores() {
        assert_eq!(two_sockets().clusters(16), 2);
        assert_eq!(two_sockets().clusters(1), 1);
        let caches = |count: usize| {
            machine(12, move |id| {
                let size = 12 / count;
                (0, format!("{}-{}", id / size * size, id / size * size + size - 1), id.to_string())
            })
        };
        assert_eq!(caches(3).clusters(12), 3);
        assert_eq!(caches(6).clusters(12), 4, "more would learn less in a pass");
        assert_eq!(caches(1).clusters(12), 4, "cores");
        assert_eq!(caches(1).clusters(2), 2);
        assert_eq!(machine(1, |_| (0, "0".into(), "0".into())).clusters(8), 1);
    }

    #[test]
    fn the_workers_of_a_cluster_are_neighbors_on_cores_of_their_own() {
        assert_eq!(two_sockets().places(&[4, 4]), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(two_sockets().places(&[5, 1]), [0, 1, 2, 3, 8, 4]);
        assert_eq!(two_sockets().places(&[1, 1, 1, 1]), [0, 2, 4, 6]);
    }

    #[test]
    fn more_clusters_than_processors_share_them() {
        let two = machine(2, |id| (0, "0-1".into(), id.to_string()));
        assert_eq!(two.places(&[1; 4]), [0, 0, 1, 1]);
        assert_eq!(two.places(&[3, 2]), [0, 0, 0, 1, 1]);
        assert_eq!(two.places(&[1; 5]).len(), 5);
    }

    #[test]
    fn processors_outside_of_the_mask_are_left_out() {
        let read = |path: &str| path.ends_with("level").then(|| "3".to_string());
        let topology = Topology::read(&[5, 9], &read);
        assert_eq!(topology.places(&[1, 1]), [5, 9]);
    }

    #[test]
    fn without_sysfs_each_processor_is_a_core() {
        let topology = Topology::read(&[0, 1, 2], &|_| None);
        assert_eq!((topology.clusters(8), topology.places(&[1, 1, 1])), (3, vec![0, 1, 2]));
        let strange =
            Topology::read(&[0, 1], &|path| path.contains("index0").then(|| "what".into()));
        assert_eq!(strange.clusters(2), 2);
    }

    #[test]
    fn lists_of_processors() {
        assert_eq!(list("0-3,8,10-11\n"), [0, 1, 2, 3, 8, 10, 11]);
        assert_eq!(list("7"), [7]);
        assert_eq!(list("\n"), [0; 0]);
    }

    #[test]
    fn this_machine_has_a_place_for_each_worker_and_threads_come_back_from_it() {
        let topology = Topology::detect();
        let before = allowed();
        for place in topology.places(&[2, 1]) {
            assert!(before.contains(&place));
            #[cfg(target_os = "linux")]
            {
                let pinned = pin(place).unwrap();
                assert_eq!(allowed(), [place]);
                drop(pinned);
                assert_eq!(allowed(), before);
            }
        }
    }
}
