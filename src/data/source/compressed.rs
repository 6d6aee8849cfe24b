//! Decoders of compressed data, which may hold several members in a row.

use std::io::{self, BufReader, Read};

/// Bytes of compressed data per read.
const BUFFER: usize = 1 << 16;
/// Logarithm of the largest zstd window, as `zstd --long` makes it.
const ZSTD_WINDOW_LOG: u32 = if cfg!(target_pointer_width = "64") { 31 } else { 30 };

pub(super) fn gzip<'a>(input: impl Read + 'a) -> Box<dyn Read + 'a> {
    Box::new(flate2::bufread::MultiGzDecoder::new(buffered(input)))
}

pub(super) fn bzip2<'a>(input: impl Read + 'a) -> Box<dyn Read + 'a> {
    Box::new(::bzip2::bufread::MultiBzDecoder::new(buffered(input)))
}

pub(super) fn zstd<'a>(input: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut decoder = ::zstd::stream::read::Decoder::with_buffer(buffered(input))?;
    decoder.window_log_max(ZSTD_WINDOW_LOG)?;
    Ok(Box::new(decoder))
}

fn buffered<R: Read>(reader: R) -> BufReader<R> {
    BufReader::with_capacity(BUFFER, reader)
}
