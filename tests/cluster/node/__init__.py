"""
The node: a kubelet whose containers are processes.

Reading order: environment, quantities (what a container is to see), probes, container (one process and its restarts), statuses, pod
(all containers of one), agent (all pods of the node), registration (the node itself); beside them api, identity, cgroups, logs,
addresses.

What it leaves out, on purpose: images, volumes, users and capabilities, network policy. A container's command must be stated, since there
is no image to hold one.
"""
