"""Real programs with fixed inputs."""


def real(work):
    del work
    return []
