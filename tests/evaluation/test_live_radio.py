"""The live view of a radio link on the page: what the receiver knows while the samples of a frame come in."""

import numpy as np
import pytest
from PIL import Image

from deepjscc.data.samples import sample_path
from deepjscc.evaluation.live import Setting
from deepjscc.evaluation.live_radio import RadioSetting, Snapshot, receive_by_radio, send_by_radio
from deepjscc.open_image import open_rgb

SETTING = Setting("linear", "jpeg2000", 10.0, 1 / 8)
PLAIN = RadioSetting()


@pytest.fixture(scope="module")
def shown() -> Image.Image:
    return open_rgb(sample_path("coffee")).crop((150, 60, 406, 316))


def _last(shown: Image.Image, setting: Setting = SETTING, radio: RadioSetting = PLAIN) -> Snapshot:
    *_, last = receive_by_radio(shown, send_by_radio(shown, setting, radio))
    return last


def test_the_picture_improves_while_the_samples_come_in(shown: Image.Image) -> None:
    snapshots = list(receive_by_radio(shown, send_by_radio(shown, SETTING, RadioSetting())))
    assert snapshots[0].frame is None
    assert snapshots[0].picture is None
    received = [one.frame.received for one in snapshots if one.frame is not None]
    assert received == sorted(received)
    assert len(set(received)) >= 3
    values = [one.psnr_db for one in snapshots if one.psnr_db is not None]
    assert values == sorted(values)
    last = snapshots[-1]
    assert last.status == "ok"
    assert last.frame is not None
    assert last.frame.complete
    assert last.picture is not None
    assert last.picture.size == shown.size
    assert last.samples == last.total_samples


def test_what_the_receiver_estimates_is_what_the_channel_did(shown: Image.Image) -> None:
    last = _last(shown, radio=RadioSetting(cfo=0.004, echo=True))
    assert last.frame is not None
    assert last.frame.cfo == pytest.approx(0.004, abs=1e-4)
    assert last.frame.snr_db == pytest.approx(SETTING.snr_db, abs=1.5)
    assert last.psnr_db is not None
    assert last.psnr_db > 25


def test_ofdm_arrives_too(shown: Image.Image) -> None:
    last = _last(shown, radio=RadioSetting(waveform="ofdm"))
    assert last.status == "ok"
    assert last.psnr_db is not None
    assert last.psnr_db > 25


def test_symbols_as_received_differ_from_the_sent_ones_by_the_noise(shown: Image.Image) -> None:
    last = _last(shown)
    assert last.sent_symbols.shape == last.received_symbols.shape
    assert np.mean(np.abs(last.sent_symbols) ** 2) == pytest.approx(1, rel=0.2)
    error = np.mean(np.abs(last.received_symbols - last.sent_symbols) ** 2)
    assert 10 * np.log10(error) == pytest.approx(-SETTING.snr_db, abs=0.8)


def test_a_hybrid_says_which_layers_arrived(shown: Image.Image) -> None:
    setting = Setting("jpeg2000+ldpc-fine+hybrid", "jpeg2000", 10.0, 1 / 4)
    snapshots = list(receive_by_radio(shown, send_by_radio(shown, setting, RadioSetting())))
    assert [one.picture for one in snapshots[:-1]] == [None] * (len(snapshots) - 1)  # it needs all symbols
    assert snapshots[-1].layers == "base+analog"


def test_far_below_the_plan_nothing_is_found(shown: Image.Image) -> None:
    last = _last(shown, Setting("linear", "jpeg2000", -30.0, 1 / 8))
    assert last.frame is None
    assert last.picture is None
    assert last.status == "no frame was found"
    assert last.received_symbols.shape == (0,)


def test_the_received_spectrum_is_the_sent_one_above_the_noise(shown: Image.Image) -> None:
    (frequencies, sent), (_, received) = send_by_radio(shown, SETTING, RadioSetting()).spectra
    inside, beyond = np.abs(frequencies) < 0.35, np.abs(frequencies) > 0.8
    assert 10 * np.log10(sent[inside].mean()) == pytest.approx(0, abs=0.3)
    assert 10 * np.log10(sent[beyond].mean()) < -40
    assert 10 * np.log10(received[beyond].mean()) == pytest.approx(-SETTING.snr_db, abs=0.2)


def test_equal_settings_give_equal_pictures(shown: Image.Image) -> None:
    first, second = _last(shown), _last(shown)
    assert first.picture is not None
    assert second.picture is not None
    assert first.picture.tobytes() == second.picture.tobytes()
