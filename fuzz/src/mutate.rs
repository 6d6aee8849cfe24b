//! Makes new inputs of old ones: damage as disks, editors and attackers do it.

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

/// Longest input that is made.
const MOST_BYTES: usize = 1 << 16;
/// Half of all positions are drawn from the first bytes, where headers and their facts are.
const HEAD: usize = 640;

/// Numbers at the edges of what the formats hold, as text.
const NUMBERS: &str = "0 -0 1 -1 2 4294967294 4294967295 4294967296 2147483647 -2147483648 \
    9223372036854775807 18446744073709551615 18446744073709551616 340282350000000000000000000 \
    3.4028235e38 3.4028236e38 1e39 1.7976931348623157e308 1e309 -1e309 1e-45 1e-46 5e-324 1e-400 \
    nan -nan inf -inf infinity 0x10 1e . +1 1e99999999999999999999 0000000000000000000000000000001";
/// Words of the text formats.
const WORDS: &str = "qid:1 qid: # : , + - 1:1 solver_type nr_class label nr_feature bias w \
    L2R_LR L2R_L1LOSS_SVR_DUAL L2R_L2LOSS_SVR MCSVM_CS";
/// Bytes that stand between words, or must not.
const MARKS: [&str; 7] = [" ", "\t", "\n", "\r", "\r\n", "\0", "\u{feff}"];

/// Makes inputs, deterministically given the seed.
pub struct Mutator {
    random: Xoshiro256PlusPlus,
    numbers: Vec<&'static str>,
    words: Vec<&'static str>,
}

impl Mutator {
    /// Starts from `seed`.
    pub fn new(seed: u64) -> Self {
        let mut words: Vec<_> = WORDS.split_whitespace().collect();
        words.extend(MARKS);
        let random = Xoshiro256PlusPlus::seed_from_u64(seed);
        Mutator { random, numbers: NUMBERS.split_whitespace().collect(), words }
    }

    /// A number below `n`, which is above 0.
    pub fn below(&mut self, n: usize) -> usize {
        self.random.random_range(0..n)
    }

    /// A mutation of one of `inputs`, which are at least one.
    pub fn mutated(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = inputs[self.below(inputs.len())].clone();
        // One change tests one check; several get past checks that one change alone would not.
        let changes = if self.random.random() { 1 } else { 1 << self.below(4) };
        for _ in 0..changes {
            self.change(&mut bytes, inputs);
        }
        bytes.truncate(MOST_BYTES);
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, inputs: &[Vec<u8>]) {
        if bytes.is_empty() {
            bytes.extend_from_slice(self.text().as_bytes());
            return;
        }
        let at = self.position(bytes.len());
        match self.below(12) {
            0 => bytes[at] ^= 1 << self.below(8),
            1 => bytes[at] = self.random.random(),
            2 => bytes.truncate(at),
            3 => {
                let end = at + self.length(bytes.len() - at);
                bytes.drain(at..end);
            }
            4 => {
                let end = at + self.length(bytes.len() - at);
                let piece = bytes[at..end].to_vec();
                let to = self.position(bytes.len());
                bytes.splice(to..to, piece);
            }
            5 => self.splice(bytes, inputs, at),
            6 | 7 => self.set_number(bytes, at),
            8 => self.swap_tokens(bytes),
            9 => {
                let piece = self.text();
                let token = token_at(bytes, at);
                bytes.splice(token, piece.bytes());
            }
            10 => {
                let piece = self.text();
                bytes.splice(at..at, piece.bytes());
            }
            _ => {
                let (byte, times) = (bytes[at], 1 << self.below(12));
                bytes.splice(at..at, std::iter::repeat_n(byte, times));
            }
        }
    }

    fn position(&mut self, length: usize) -> usize {
        if self.random.random() { self.below(length.min(HEAD)) } else { self.below(length) }
    }

    /// From 0 to `most`, mostly short.
    fn length(&mut self, most: usize) -> usize {
        let most = if self.random.random() { most.min(16) } else { most };
        self.random.random_range(0..=most)
    }

    fn text(&mut self) -> &'static str {
        let all = if self.random.random() { &self.numbers } else { &self.words };
        all.choose(&mut self.random).copied().unwrap_or_default()
    }

    /// Goes on with another input from `at` on.
    fn splice(&mut self, bytes: &mut Vec<u8>, inputs: &[Vec<u8>], at: usize) {
        let other = &inputs[self.below(inputs.len())];
        // Binary files keep their places, text finds new ones.
        let from =
            if self.random.random() { at.min(other.len()) } else { self.below(other.len() + 1) };
        bytes.truncate(at);
        bytes.extend_from_slice(&other[from..]);
    }

    /// Writes a number at the edges over 4 or 8 bytes, mostly where such a number may stand.
    fn set_number(&mut self, bytes: &mut [u8], at: usize) {
        let edges = [
            0,
            1,
            u64::MAX,
            u64::MAX - 1,
            i64::MAX as u64,
            1 << 32,
            (1 << 32) - 1,
            (1 << 32) + 1,
            1 << 56,
            (1 << 56) + 1,
            4095,
            4096,
            4097,
            bytes.len() as u64,
            f64::NAN.to_bits(),
            f64::INFINITY.to_bits(),
            (-1.0_f64).to_bits(),
            f32::NAN.to_bits().into(),
            f32::INFINITY.to_bits().into(),
        ];
        let size = if self.random.random() { 4 } else { 8 };
        let at = if self.random.random_bool(0.9) { at / 4 * 4 } else { at };
        let size = size.min(bytes.len() - at);
        let mut old = [0; 8];
        old[..size].copy_from_slice(&bytes[at..at + size]);
        let old = u64::from_le_bytes(old);
        let new = match self.below(4) {
            0 => old.wrapping_add(1),
            1 => old.wrapping_sub(1),
            2 => old << 1,
            _ => edges[self.below(edges.len())],
        };
        bytes[at..at + size].copy_from_slice(&new.to_le_bytes()[..size]);
    }

    fn swap_tokens(&mut self, bytes: &mut Vec<u8>) {
        let places = [0; 2].map(|_| self.position(bytes.len()));
        let [one, other] = places.map(|at| token_at(bytes, at));
        let (first, second) = if one.start <= other.start { (one, other) } else { (other, one) };
        if first.end > second.start {
            return;
        }
        let pieces = [&second, &(first.end..second.start), &first]
            .map(|range| bytes[range.clone()].to_vec());
        bytes.splice(first.start..second.end, pieces.concat());
    }
}

/// The run of bytes around `at` that no blank or mark interrupts.
fn token_at(bytes: &[u8], at: usize) -> std::ops::Range<usize> {
    let ends = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b':' | b',');
    let start = bytes[..at].iter().rposition(ends).map_or(0, |place| place + 1);
    let end = bytes[at..].iter().position(ends).map_or(bytes.len(), |length| at + length);
    start..end.max(start)
}
