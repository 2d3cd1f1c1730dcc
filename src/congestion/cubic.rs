//! CUBIC (RFC 9438).

use super::Parameter;
use super::reno::Reno;

pub(super) const PARAMETERS: &[Parameter] = &[];
/// CUBIC.
pub type Cubic = Reno;
