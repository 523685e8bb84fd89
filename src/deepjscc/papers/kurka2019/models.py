"""The models of Kurka and Gündüz 2019: their names in the zoo, and the recipe for one that is not there."""

from deepjscc.papers.measurements import Settings, weights
from deepjscc.training.recipe import ChannelRecipe, DataRecipe, ModelConfig, ModelRecipe, OptimiserRecipe, Recipe

FILTERS = 8  # of a stage: bandwidth ratio 1/12
START = {"awgn": "cnn-c16-awgn-10db", "rayleigh": "cnn-c16-rayleigh-10db"}


def staged(scheme: str, stages: int, channel: str, snr_db: float, settings: Settings) -> str | None:
    """A model of several stages, where there is one."""
    name = f"{scheme.replace('_', '-')}-l{stages}-{channel}-{snr_db:g}db"
    start: str | list[str] = START[channel]
    if scheme == "residual":
        first = one_stage(1, channel, snr_db, settings)
        if first is None:
            return None
        start = [first]
    plan = recipe(scheme, {"stages": stages, "filters": FILTERS}, channel, snr_db, start)
    return weights(name, settings, plan, minutes=settings.minutes)


def one_stage(stages: int, channel: str, snr_db: float, settings: Settings) -> str | None:
    """A model without stages, of the bandwidth of so many, where there is one."""
    filters = stages * FILTERS
    plan = recipe("cnn", {"filters": filters}, channel, snr_db, START[channel])
    return weights(f"cnn-c{filters}-{channel}-{snr_db:g}db", settings, plan, minutes=settings.minutes)


def recipe(
    model: str,
    config: ModelConfig,
    channel: str,
    snr_db: float,
    start: str | list[str],
    epochs: int = 20,
) -> Recipe:
    """A short training warm-started from a long one; recipes/progressive-cpu.toml in code."""
    fading = {"coherence": "image", "csi": "none"} if channel == "rayleigh" else {}
    return Recipe(
        model=ModelRecipe(model, config, warm_start=start),
        data=DataRecipe("cifar10-train", validation="cifar10", validation_images=500),
        channel=ChannelRecipe(channel, snr_db=snr_db, **fading),  # type: ignore[arg-type]
        optimiser=OptimiserRecipe(learning_rate=7e-4, warmup_steps=50, epochs=epochs),
    )
