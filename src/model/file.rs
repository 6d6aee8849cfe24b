//! Loading and saving models: the choice between the two file formats.

use std::io::Read;
use std::path::Path;

use super::{LossKind, Model, liblinear, native};
use crate::error::{Error, Result};
use crate::problem::CustomLoss;
use crate::save;

/// Formats of model files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelFormat {
    /// [LIBLINEAR's text](liblinear).
    #[default]
    Liblinear,
    /// [Exact bits under checksums](native).
    Native,
}

impl Model {
    /// Reads a model file in [LIBLINEAR's text format](liblinear) or in the [native] one, detected
    /// by its first bytes.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, [`Error::Text`] or [`Error::Input`] if it is no
    /// complete model.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Model::load_with(path, &[])
    }

    /// Reads a model as [`Model::load`] does. In the native format, its loss may also be one of the
    /// custom `losses`.
    ///
    /// # Errors
    /// As for [`Model::load`].
    pub fn load_with(path: impl AsRef<Path>, losses: &[&'static dyn CustomLoss]) -> Result<Self> {
        let path = path.as_ref();
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .map_err(|source| Error::io(path, "open", source))?
            .read_to_end(&mut bytes)
            .map_err(|source| Error::io(path, "read", source))?;
        let name = path.display().to_string();
        match native::is_native(&bytes) {
            true => native::read_with(&bytes, &name, losses),
            false => liblinear::read(&bytes, &name),
        }
    }

    /// Writes a model file in [LIBLINEAR's text format](liblinear), [atomically](save::atomically).
    ///
    /// # Errors
    /// [`Error::Io`]; a model that was there before is then still there. [`Error::Parameter`] for
    /// the softmax loss with more than two classes, which the format does not know.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.check_liblinear()?;
        save::atomically(path, |out| liblinear::write(self, out))
    }

    /// Writes a model file in the given format, atomically.
    ///
    /// # Errors
    /// [`Error::Io`]; a model that was there before is then still there. [`Error::Input`] if the
    /// format is the native one and `path` is no regular file.
    pub fn save_as(&self, path: impl AsRef<Path>, format: ModelFormat) -> Result<()> {
        match format {
            ModelFormat::Liblinear => self.save(path),
            ModelFormat::Native => native::write(self, path),
        }
    }

    /// Refuses losses that LIBLINEAR lacks. It would take softmax's scores for one-vs-rest ones.
    fn check_liblinear(&self) -> Result<()> {
        if let LossKind::Custom(_) = self.loss {
            return Err(Error::Parameter {
                name: "model format",
                value: format!("liblinear with the loss `{}`", self.loss),
                expected: "native, as LIBLINEAR has no custom losses",
                hint: "save with `ModelFormat::Native`",
            });
        }
        if self.loss != LossKind::Softmax || self.outputs() == 1 {
            return Ok(());
        }
        Err(Error::Parameter {
            name: "model format",
            value: "liblinear with the softmax loss".into(),
            expected: "native, as LIBLINEAR has no such model and would give other probabilities",
            hint: "use the native format, or train with the logistic loss",
        })
    }
}
