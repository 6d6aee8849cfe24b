//! The machine and the program that produced a measurement, as far as the system reports them.

use std::fs;

use serde::Serialize;

use crate::human::Bytes;
use crate::strategy::Topology;

/// Properties on which measurements depend. Those that the system does not report are `None`, or
/// empty.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Machine {
    /// Name of the processor.
    pub cpu: Option<String>,
    /// Number of processors that this process may use.
    pub processors: usize,
    /// Number of cores of these processors: fewer than processors with hyper-threads.
    pub cores: usize,
    /// Number of last-level caches.
    pub last_level_caches: usize,
    /// Number of sockets.
    pub sockets: usize,
    /// Caches of one processor.
    pub caches: Vec<Cache>,
    /// Size of the memory.
    pub memory_bytes: Option<u64>,
    /// The operating system and its version.
    pub kernel: String,
    /// Frequency governor of the processors.
    pub governor: Option<String>,
    /// Version of the compiler.
    pub compiler: &'static str,
    /// Target of the compilation.
    pub target: &'static str,
    /// Optimization level, and compiler flags beyond those of the manifest.
    pub flags: &'static str,
    /// Commit that was compiled, if that was in a repository; `-dirty` if files had changed since.
    pub commit: Option<&'static str>,
}

/// A cache.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cache {
    /// Level; 1 is nearest to the core.
    pub level: usize,
    /// `data`, `instruction` or `unified`.
    pub kind: String,
    /// Size.
    pub bytes: u64,
    /// Number of processors that share it.
    pub shared_by: usize,
}

impl Machine {
    /// Returns the known properties by name.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let count =
            |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
        let mut lines = Vec::new();
        lines.extend(self.cpu.clone().map(|cpu| ("CPU", cpu)));
        lines.push((
            "topology",
            format!(
                "{}, {}, {}, {}",
                count(self.processors, "processor", "processors"),
                count(self.cores, "core", "cores"),
                count(self.last_level_caches, "last-level cache", "last-level caches"),
                count(self.sockets, "socket", "sockets")
            ),
        ));
        let cache = |cache: &Cache| {
            let (level, kind, bytes) = (cache.level, &cache.kind, Bytes(cache.bytes));
            let shared = if cache.shared_by > 1 {
                format!(" for {} processors", cache.shared_by)
            } else {
                String::new()
            };
            format!("L{level} {kind} {bytes}{shared}")
        };
        if !self.caches.is_empty() {
            lines.push(("caches", self.caches.iter().map(cache).collect::<Vec<_>>().join(", ")));
        }
        lines.extend(self.memory_bytes.map(|bytes| ("memory", Bytes(bytes).to_string())));
        lines.push(("system", self.kernel.clone()));
        lines.extend(self.governor.clone().map(|governor| ("frequency governor", governor)));
        lines.push(("compiler", format!("{}, {}, {}", self.compiler, self.target, self.flags)));
        lines.extend(self.commit.map(|commit| ("commit", commit.to_string())));
        lines
    }

    /// Detects this machine and this program.
    pub fn here() -> Self {
        let topology = Topology::detect();
        let [sockets, last_level_caches, cores] = topology.parts();
        let cpu = topology.places(&[1]).first().copied().unwrap_or(0);
        let release =
            read("/proc/sys/kernel/osrelease").map_or(String::new(), |text| format!(" {text}"));
        Machine {
            cpu: cpu_name(),
            processors: topology.processors(),
            cores,
            last_level_caches,
            sockets,
            caches: (0..).map_while(|index| cache(cpu, index)).collect(),
            memory_bytes: memory(),
            kernel: format!("{}{release}", std::env::consts::OS),
            governor: read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            compiler: option_env!("WILDSGD_COMPILER").unwrap_or("rustc"),
            target: option_env!("WILDSGD_TARGET").unwrap_or(std::env::consts::ARCH),
            flags: option_env!("WILDSGD_FLAGS").unwrap_or(""),
            commit: option_env!("WILDSGD_COMMIT").filter(|commit| !commit.is_empty()),
        }
    }
}

fn read(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_string())
}

/// Returns the value after a name and a colon.
fn field(text: &str, name: &str) -> Option<String> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines
        .map(|(key, value)| (key.trim(), value.trim()))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.into())
}

fn cpu_name() -> Option<String> {
    let text = read("/proc/cpuinfo")?;
    // Arm processors report numbers instead of a name.
    let implementer = || {
        Some(format!(
            "implementer {}, part {}",
            field(&text, "CPU implementer")?,
            field(&text, "CPU part")?
        ))
    };
    let name = field(&text, "model name").or_else(implementer)?;
    let model = match (field(&text, "cpu family"), field(&text, "model")) {
        (Some(family), Some(model)) => format!(" (family {family}, model {model})"),
        _ => String::new(),
    };
    Some(name + &model)
}

fn memory() -> Option<u64> {
    let kib = field(&read("/proc/meminfo")?, "MemTotal")?;
    Some(kib.strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}

fn cache(cpu: usize, index: usize) -> Option<Cache> {
    let read =
        |name: &str| read(&format!("/sys/devices/system/cpu/cpu{cpu}/cache/index{index}/{name}"));
    Some(Cache {
        level: read("level")?.parse().ok()?,
        kind: read("type")?.to_lowercase(),
        bytes: read("size")?.strip_suffix('K')?.parse::<u64>().ok()? << 10,
        shared_by: shared_by(&read("shared_cpu_list")?),
    })
}

/// Counts the processors in a list such as `0-3,8`.
fn shared_by(list: &str) -> usize {
    let count = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(last.parse::<usize>().ok()? + 1 - first.parse::<usize>().ok()?)
    };
    list.split(',').filter_map(count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_processors() {
        let machine = Machine::here();
        assert!(
            machine.processors >= machine.cores && machine.cores >= machine.sockets,
            "{machine:?}"
        );
        assert!(machine.sockets >= 1 && machine.compiler.starts_with("rustc"), "{machine:?}");
    }

    #[test]
    fn fields_and_lists_are_parsed() {
        assert_eq!(field("a\t: 1\nmodel name\t: X 9: fast\n", "model name").unwrap(), "X 9: fast");
        assert_eq!((shared_by("0-3,8"), shared_by("5"), shared_by("")), (5, 1, 0));
    }
}
