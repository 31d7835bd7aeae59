import pytest

from reconciler.agent.cgroups import Membership, memberships

ONE, TWO = "1f" * 32, "2e" * 32
UID = "61146e92-b1ec-46af-8dc3-ddfda97aa1b5"
SLICE = UID.replace("-", "_")


@pytest.mark.parametrize(
    ("text", "pod"),
    [
        (f"1:cpu:/kubepods/besteffort/pod{UID}/{ONE}\n0::/\n", UID),
        (f"0::/kubepods.slice/kubepods-pod{SLICE}.slice/cri-containerd-{ONE}.scope", UID),
        (f"0::/kubepods.slice/kubepods-burstable-pod{SLICE}.slice/crio-{ONE}.scope", UID),
        (f"0::/kubepods/pod{UID}/{ONE}/init.scope", UID),
        (f"0::/../../kubepods/pod{UID}/{ONE}", UID),
        (f"0::/kubepods/burstable/pod{UID.replace('-', '')}/{ONE}", UID.replace("-", "")),
        (f"12:pids:/docker/{ONE}", ""),
        (f"0::/system.slice/docker-{ONE}.scope", ""),
        (f"0::/machine.slice/libpod-{ONE}.scope/container", ""),
        (
            f"0::/system.slice/containerd.service/kubepods-pod{SLICE}.slice:cri-containerd:{ONE}",
            UID,
        ),
    ],
)
def test_containers_as_every_runtime_names_their_groups(text: str, pod: str) -> None:
    assert memberships(text) == (Membership(ONE, pod),)


@pytest.mark.parametrize(
    "text",
    [
        "0::/",
        "",
        "nonsense",
        "0::/system.slice/sshd.service",
        f"0::/machine.slice/libpod-conmon-{ONE}.scope",
        f"0::/crio-conmon-{ONE}.scope",
        f"0::/kubepods/pod{UID}",
        f"0::/x/{ONE}0",
    ],
)
def test_what_is_in_no_container(text: str) -> None:
    assert memberships(text) == ()


def test_the_innermost_of_several_comes_first() -> None:
    text = f"0::/docker/{ONE}/kubelet/kubepods/pod{UID}/{TWO}"
    assert memberships(text) == (Membership(TWO, UID), Membership(ONE, ""))
