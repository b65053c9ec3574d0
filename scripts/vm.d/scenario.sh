# What is played in the virtual machine, as root: once, and again after each reboot until it powers off. Its output is the console's;
# `scripts/vm` counts the claims.
export PATH=/usr/local/bin:$PATH HOME=/root LANG=C.UTF-8

# claim TEXT COMMAND…: the command has to succeed within a minute.
claim() {
    text=$1
    shift
    for attempt in $(seq 60); do
        if "$@" >/tmp/claim.out 2>&1; then
            echo "HOLDS $text"
            return
        fi
        sleep 1
    done
    echo "FAILS $text"
    sed 's/^/    /' /tmp/claim.out
    journalctl -b -n 30 --no-pager | sed 's/^/    /'
}

# shows TEXT COMMAND…: what the command prints is the text.
shows() {
    wanted=$1
    shift
    found=$("$@")
    [ "$found" = "$wanted" ] || { echo "shown is: $found"; return 1; }
}

# group PATTERN: the control groups whose path ends like this.
group() { find /sys/fs/cgroup -type d -path "*/$1"; }
has() { shows "$3" cat "$(group "$1")/$2"; }
state() { stackup ps -a --format json "$1" | jq -r '.[0].State'; }
pid() { stackup ps --format json "$1" | jq '.[0].PID'; }
as_ann() { setpriv --reuid ann --regid ann --init-groups env HOME=/home/ann XDG_RUNTIME_DIR=/run/user/1000 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus "$@"; }

limits_of_root() {
    cp -r /vm/limits /srv/limits
    cd /srv/limits || exit
    stackup up -d
    claim 'memory is limited' has mem-1 memory.max 67108864
    claim 'so is swap' has mem-1 memory.swap.max 0
    claim 'CPU time is limited' has cpu-1 cpu.max '20000 100000'
    claim 'shares become a weight' has cpu-1 cpu.weight 20
    claim 'a service has the CPUs of its cpuset' has cpu-1 cpuset.cpus.effective 0
    claim 'writing to a disk is limited' has io-1 io.max '254:0 rbps=max wbps=1048576 riops=max wiops=max'
    claim 'and is slow then' sh -c 'stackup logs --no-log-prefix io | grep -E "copied, ([2-9]|[1-9][0-9])"'
    claim 'the processes of a service are limited' sh -c 'stackup logs --no-log-prefix pids | grep -x "19 more processes"'
    claim 'a group of its own is the root of what a service sees' shows 0::/ stackup logs --no-log-prefix private
    touch go
    claim 'who takes more memory than it may have is killed' shows exited state mem
    claim 'and said to be' sh -c 'stackup ps -a mem | grep "out of memory"'
    claim 'of which an event tells' sh -c 'timeout 2 stackup events --json --since 10m | jq -r .action | grep -x oom'
    claim 'stats counts what groups count' sh -c 'stackup stats --no-stream --format json cpu | grep CPUPerc | grep -v "\"0.00%\""'
    stackup pause cpu
    claim 'what is paused is frozen' has cpu-1 cgroup.freeze 1
    stackup unpause cpu
    claim 'and goes on' has cpu-1 cgroup.freeze 0
    stackup down
    claim 'down leaves no group' shows '' group '*-1'
}

boot_of_root() {
    cp -r /vm/shop /srv/shop
    cd /srv/shop || exit
    stackup boot enable
    claim 'systemd starts a stack' systemctl start stackup-shop
    claim 'which is active' shows active systemctl is-active stackup-shop
    claim 'and needed one attempt' shows 0 systemctl show -P NRestarts stackup-shop
    claim 'its limits hold' has 'shop-*/web-1' memory.max 67108864
    web=$(pid web)
    kill -9 "$(stackup ps --format json web | jq .[0].SupervisorPID)"
    claim 'after a kill of the supervisor systemd starts another up' shows 1 systemctl show -P NRestarts stackup-shop
    claim 'which is active' shows active systemctl is-active stackup-shop
    claim 'and has taken over what ran' shows "$web" pid web
    sed -i 's/mem_limit: 64m/mem_limit: 65m/' compose.yaml
    claim 'a reload applies what has changed' systemctl reload stackup-shop
    claim 'as the limit of a service' has 'shop-*/web-1' memory.max 68157440
    stackup stop manual
    stackup stop always
}

boot_of_user() {
    useradd -m -s /bin/sh ann
    loginctl enable-linger ann
    cp -r /vm/shop /home/ann/app
    chown -R ann: /home/ann
    cd /home/ann/app || exit
    claim 'a user has a manager' as_ann systemctl --user is-active default.target
    as_ann stackup -p app boot enable
    claim 'which starts a stack of his' as_ann systemctl --user start stackup-app
    claim 'whose limits lie in his groups' sh -c 'find /sys/fs/cgroup/user.slice/user-1000.slice -name web-1 | grep .'
    claim 'and hold' has 'app-*/web-1' memory.max 67108864
}

after_the_reboot() {
    cd /srv/shop || exit
    claim 'a stack comes back at boot' shows active systemctl is-active stackup-shop
    claim 'with its secrets' sh -c 'stackup exec -T web cat /run/secrets/password | grep -x sesame'
    claim 'in the order of depends_on' sh -c 'journalctl -b -u stackup-shop | grep -E "(db|web)-1 +Start" | grep -o "[a-z]*-1  *Start[a-z]*" | tr -s " " | head -n 3 | tr "\n" , | grep "^db-1 Starting,db-1 Started,web-1 Starting,"'
    claim 'what was stopped by hand stays so where it is unless-stopped' shows created state manual
    claim 'and runs where it is always' shows running state always
    cd /home/ann/app || exit
    claim 'a stack of a user who lingers comes back' as_ann systemctl --user is-active stackup-app
    claim 'with its services' sh -c 'as() { setpriv --reuid ann --regid ann --init-groups env HOME=/home/ann XDG_RUNTIME_DIR=/run/user/1000 "$@"; }; as stackup -p app ps --format json web | jq -r ".[0].State" | grep -x running'
    cd /srv/shop || exit
    claim 'systemd stops a stack' systemctl stop stackup-shop
    claim 'with all of it' shows exited state web
    stackup boot disable
    stackup down
    claim 'of which nothing is left' shows '' group 'shop-*/web-1'
}

uname -r
if [ -e /var/lib/played ]; then
    after_the_reboot
    echo PLAYED
    systemctl poweroff
else
    install -m 755 /vm/bin/* /usr/local/bin/
    limits_of_root
    boot_of_root
    boot_of_user
    touch /var/lib/played
    sync
    systemctl reboot
fi
