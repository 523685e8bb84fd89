"""`ldpc-fine`: 5G LDPC codes with shaped modulation, planned for any SINR and any number of channel uses."""

from deepjscc.digital.fine.link import decode, encode
from deepjscc.digital.fine.plan import CodePlan, error_probability, plan_code, plan_from_index, sinr_index

__all__ = ["CodePlan", "decode", "encode", "error_probability", "plan_code", "plan_from_index", "sinr_index"]
