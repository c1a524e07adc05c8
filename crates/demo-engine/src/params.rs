//! All parameters of a bank: one `(m, p)` buffer, with the name, shape and place of each.

use candle_core::{DType, Device};

use crate::{Buffer, Error, Network, Result};

/// Name, shape and place of one parameter.
///
/// Names are the checkpoint format: `layer<index>.weight`, `.bias`, and for an LSTM
/// `.forward.input_weight`, `.forward.recurrent_weight`, `.forward.bias`, the same with `backward`.
/// Shapes: convolution weight `(width, c_in, filters)`; dense weight `(l * c_in, outputs)`; LSTM input
/// weight `(c_in, 4h)`, recurrent weight `(h, 4h)`, bias `(4h)`, the gates in the order i, f, g, o. A
/// self-attention of width w, its heads times their size, has `.query.weight` `(c, w)` and `.query.bias`
/// `(w)`, the same with `key` and `value`, `.output.weight` `(w, c)` and `.output.bias` `(c)`. A
/// batch normalisation has `.scale`, `.shift`, `.running_mean` and `.running_variance`, each `(c)`;
/// scale and running variance start from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterSpec {
    /// Its name in a checkpoint.
    pub name: String,
    /// Index of its layer.
    pub layer: usize,
    /// Its extents, outermost first.
    pub shape: Vec<usize>,
    /// Its first element within a member's parameters.
    pub offset: usize,
    /// Whether it has a gradient; running statistics have none, and an optimiser leaves them.
    pub trained: bool,
}

impl ParameterSpec {
    /// Numbers in it.
    #[expect(clippy::len_without_is_empty, reason = "no parameter is empty: the network was checked")]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// All parameters of all members: one `(m, p)` buffer.
#[derive(Debug, Clone)]
pub struct Params {
    buffer: Buffer,
    specs: Vec<ParameterSpec>,
}

impl Params {
    /// A bank whose parameters are all zero.
    ///
    /// # Errors
    /// As [`Buffer::zeros`].
    pub fn zeros(network: &Network, members: usize, dtype: DType, device: &Device) -> Result<Self> {
        let buffer = Buffer::zeros(&[members, network.parameter_count()], dtype, device)?;
        Ok(Self { buffer, specs: network.parameters().to_vec() })
    }

    /// Members of the bank.
    pub fn members(&self) -> usize {
        self.buffer.shape()[0]
    }

    /// Every parameter of a member, in the order of its numbers.
    pub fn specs(&self) -> &[ParameterSpec] {
        &self.specs
    }

    /// A copy of one parameter of one member.
    ///
    /// # Errors
    /// An unknown member or name, or a device that cannot be read.
    pub fn get(&self, member: usize, name: &str) -> Result<Vec<f32>> {
        let range = self.range(member, name)?;
        self.buffer.read(range)
    }

    /// Replaces one parameter of one member.
    ///
    /// # Errors
    /// An unknown member or name, the wrong number of values, or a device that cannot be written.
    pub fn set(&mut self, member: usize, name: &str, values: &[f32]) -> Result<()> {
        let range = self.range(member, name)?;
        if range.len() != values.len() {
            return Err(Error::Shape {
                what: "a list of parameter values",
                found: vec![values.len()],
                wanted: vec![range.len()],
            });
        }
        self.buffer.write(range.start, values)
    }

    /// The `(m, p)` numbers.
    pub fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// The `(m, p)` numbers, to be written.
    pub fn buffer_mut(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    /// The parameters of one member, as a bank of one on the same device.
    ///
    /// # Errors
    /// An unknown member, or a device without room.
    pub fn to_member(&self, member: usize) -> Result<Self> {
        self.to_members(&[member])
    }

    /// The parameters of some members, as a bank of those on the same device, in the order given.
    ///
    /// # Errors
    /// An unknown member, or a device without room.
    pub fn to_members(&self, members: &[usize]) -> Result<Self> {
        members.iter().try_for_each(|&member| self.check_member(member))?;
        Ok(Self { buffer: self.buffer.rows(members)?, specs: self.specs.clone() })
    }

    fn check_member(&self, member: usize) -> Result<()> {
        if member < self.members() {
            return Ok(());
        }
        Err(Error::OutOfRange { what: "member", found: member, limit: self.members() })
    }

    /// Where a parameter of a member lies in the buffer.
    fn range(&self, member: usize, name: &str) -> Result<std::ops::Range<usize>> {
        self.check_member(member)?;
        let spec =
            self.specs.iter().find(|spec| spec.name == name).ok_or_else(|| Error::UnknownParameter {
                name: name.to_owned(),
                known: self.specs.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>().join(", "),
            })?;
        let start = member * self.buffer.shape()[1] + spec.offset;
        Ok(start..start + spec.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Layer;

    #[test]
    fn parameters_are_set_and_read_by_name() {
        let network = Network::new(3, vec![Layer::Dense { outputs: 2 }]).unwrap();
        for dtype in [DType::F32, DType::F64] {
            let mut params = Params::zeros(&network, 2, dtype, &Device::Cpu).unwrap();
            params.set(1, "layer0.bias", &[1.0, 2.0]).unwrap();
            assert_eq!(params.get(0, "layer0.bias").unwrap(), [0.0, 0.0]);
            assert_eq!(params.get(1, "layer0.bias").unwrap(), [1.0, 2.0]);
            let member = params.to_member(1).unwrap();
            assert_eq!(member.members(), 1);
            assert_eq!(member.get(0, "layer0.bias").unwrap(), [1.0, 2.0]);
            let turned = params.to_members(&[1, 0]).unwrap();
            assert_eq!(turned.get(0, "layer0.bias").unwrap(), [1.0, 2.0]);
            assert_eq!(turned.get(1, "layer0.bias").unwrap(), [0.0, 0.0]);
            assert!(params.to_members(&[0, 2]).is_err());
            assert!(params.set(1, "layer0.bias", &[1.0]).is_err());
            let error = params.get(0, "layer1.bias").unwrap_err().to_string();
            assert_eq!(
                error,
                "no parameter is called 'layer1.bias'; the network has layer0.weight, layer0.bias"
            );
            assert!(params.get(2, "layer0.bias").is_err());
            assert!(params.to_member(2).is_err());
        }
    }
}
