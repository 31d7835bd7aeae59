"""The command lines of the servers."""

from collections.abc import Sequence
from pathlib import Path

from tests.tools.controlplane.identity import SERVICE_RANGE, Identity


def merge(defaults: Sequence[str], extra: Sequence[str]) -> list[str]:
    """The default flags but those that the extra ones set, then the extra ones.

    Kubernetes adds up a list-valued flag that is given twice, so the first must go.

    Raises:
        ValueError: an extra argument is not of the form `--name` or `--name=value`.
    """
    for flag in extra:
        if not flag.startswith("--"):
            raise ValueError(f"{flag!r}: write it as --name=value")
    names = {flag.partition("=")[0] for flag in extra}
    return [flag for flag in defaults if flag.partition("=")[0] not in names] + list(extra)


def etcd(program: Path, identity: Identity, data: Path, port: int) -> list[str]:
    """etcd for one API server: durable across nothing, fast."""
    files = identity.credentials("etcd")
    url = f"https://127.0.0.1:{port}"
    return [
        str(program),
        f"--data-dir={data}",
        "--unsafe-no-fsync",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        # No peers: any port, and the default of its initial cluster stays as it is.
        "--listen-peer-urls=http://127.0.0.1:0",
        # TLS by our own authority: who got another control plane's etcd by a race for the port
        # must not take it for ours.
        f"--cert-file={files.certificate}",
        f"--key-file={files.key}",
        f"--trusted-ca-file={identity.ca}",
        "--client-cert-auth",
        # One member waits out the election timeout before it elects itself.
        "--heartbeat-interval=20",
        "--election-timeout=200",
        "--log-level=warn",
    ]


def kube_apiserver(
    program: Path, identity: Identity, etcd_url: str, port: int, extra: Sequence[str]
) -> list[str]:
    """kube-apiserver on loopback, with RBAC."""
    own = identity.credentials("kube-apiserver")
    store = identity.credentials("admin")
    defaults = [
        f"--etcd-servers={etcd_url}",
        f"--etcd-cafile={identity.ca}",
        f"--etcd-certfile={store.certificate}",
        f"--etcd-keyfile={store.key}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        # Without this it refuses to advertise a loopback address.
        "--endpoint-reconciler-type=none",
        f"--tls-cert-file={own.certificate}",
        f"--tls-private-key-file={own.key}",
        f"--client-ca-file={identity.ca}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={identity.signing_public_key}",
        f"--service-account-signing-key-file={identity.signing_key}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--authorization-mode=Node,RBAC",
        "--allow-privileged=true",
        "--profiling=false",
        # Otherwise a stop waits for every watch of every client to end by itself.
        "--shutdown-watch-termination-grace-period=1s",
    ]
    return [str(program), *merge(defaults, extra)]


def reachable(identity: Identity, address: str) -> list[str]:
    """What kube-apiserver needs further for pods that reach it, and for nodes that it asks."""
    asks = identity.credentials("admin")
    return [
        "--bind-address=0.0.0.0",
        f"--advertise-address={address}",
        # Service `kubernetes` gets the advertised address as its endpoint.
        "--endpoint-reconciler-type=lease",
        f"--kubelet-client-certificate={asks.certificate}",
        f"--kubelet-client-key={asks.key}",
        "--kubelet-preferred-address-types=InternalIP",
    ]


def kube_scheduler(program: Path, kubeconfig: Path) -> list[str]:
    """kube-scheduler as the only one of its kind."""
    files = f"--{{}}={kubeconfig}".format
    return [
        str(program),
        *map(files, ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")),
        "--leader-elect=false",
        "--secure-port=0",
        "--profiling=false",
    ]


def kube_controller_manager(
    program: Path, identity: Identity, kubeconfig: Path, extra: Sequence[str]
) -> list[str]:
    """kube-controller-manager with every default controller, each with its own account."""
    ca = identity.credentials("ca")
    defaults = [
        f"--kubeconfig={kubeconfig}",
        "--use-service-account-credentials",
        f"--service-account-private-key-file={identity.signing_key}",
        f"--root-ca-file={ca.certificate}",
        f"--cluster-signing-cert-file={ca.certificate}",
        f"--cluster-signing-key-file={ca.key}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--leader-elect=false",
        # Nobody asks it anything, so no port and no race for one.
        "--secure-port=0",
        "--profiling=false",
        # The default of 20 a second makes tests with many objects wait.
        "--kube-api-qps=300",
        "--kube-api-burst=600",
    ]
    return [str(program), *merge(defaults, extra)]
