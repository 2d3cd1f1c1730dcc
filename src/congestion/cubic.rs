//! CUBIC (RFC 9438).

use super::reno::Reno;
use super::Parameter;

pub(super) const PARAMETERS: &[Parameter] = &[];
/// CUBIC.
pub type Cubic = Reno;
