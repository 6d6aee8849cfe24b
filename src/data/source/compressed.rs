//! Decoders of compressed data, which may hold several members in a row.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

/// Bytes of compressed data per read.
const BUFFER: usize = 1 << 16;
/// Logarithm of the largest zstd window, as `zstd --long` makes it.
const ZSTD_WINDOW_LOG: u32 = if cfg!(target_pointer_width = "64") { 31 } else { 30 };

pub(super) fn gzip<'a>(input: impl Read + 'a) -> Box<dyn Read + 'a> {
    Box::new(Members { decoder: Some(GzDecoder::new(buffered(input))) })
}

/// The members of a gzip file. Zeros after one of them are padding, as tapes and block devices
/// leave it, and are skipped.
struct Members<R: BufRead> {
    /// The member that is being read; `None` after the last.
    decoder: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let read = decoder.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            let rest = self.decoder.take().map(GzDecoder::into_inner);
            self.decoder = rest.map(next_member).transpose()?.flatten();
        }
        Ok(0)
    }
}

/// Skips padding; returns the decoder of the member after it, if there is one.
fn next_member<R: BufRead>(mut input: R) -> io::Result<Option<GzDecoder<R>>> {
    loop {
        let bytes = input.fill_buf()?;
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
        match (bytes.is_empty(), zeros < bytes.len()) {
            (true, _) => return Ok(None),
            (false, true) => {
                input.consume(zeros);
                return Ok(Some(GzDecoder::new(input)));
            }
            (false, false) => input.consume(zeros),
        }
    }
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
