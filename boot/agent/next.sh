# Part of the agent: how the machine goes on when its report was taken. By kexec, straight into the installed kernel,
# which saves one POST (3-30 minutes on a GPU server); else through its firmware.
#
# The kernel is loaded before the report, so that the report says how it goes on; the jump comes after. Whatever isn't
# clear means firmware: which kernel, which command line, or whether this kernel may do it. What kexec starts says
# panic=30, so that a kernel that can't go on ends in the firmware too. The proof boot comes in any case.

# may_kexec: prints why not.
may_kexec() {
  mount -t securityfs securityfs /sys/kernel/security 2> /dev/null
  mount -t efivarfs efivarfs /sys/firmware/efi/efivars 2> /dev/null
  secure=/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
  if [ -e "$secure" ] && [ "$(tail -c 1 "$secure" | od -An -tu1 | tr -d ' ')" = 1 ]; then
    echo "Secure Boot is on"
  elif [ -e /sys/kernel/security/lockdown ] && ! grep -q '\[none\]' /sys/kernel/security/lockdown; then
    echo "the agent's kernel is locked down"
  elif [ "$(cat /proc/sys/kernel/kexec_load_disabled 2> /dev/null)" != 0 ]; then
    echo "kexec is switched off in the agent's kernel"
  fi
}

# Each find_* sets KERNEL, INITRDS and LINE, or returns 1 with its reason in UNCLEAR.

found() { # base, kernel, initrds, line
  case "$3$4" in *'$'*) UNCLEAR="the boot entry uses variables" && return 1 ;; esac
  KERNEL=$1/$2 INITRDS= LINE=$4
  [ -f "$KERNEL" ] || { UNCLEAR="the boot entry's kernel $2 is not there"; return 1; }
  for each in $3; do
    [ -f "$1/$each" ] || { UNCLEAR="the boot entry's initrd $each is not there"; return 1; }
    INITRDS="$INITRDS $1/$each"
  done
}

# Our own image: one entry, no menu (boot/image/grub.py).
find_plain() {
  found /mnt vmlinuz initrd.img "$(sed -n 's/^linux \/vmlinuz //p' /mnt/boot/grub/grub.cfg)"
}

# Boot Loader Specification (UAPI group), type 1: one file an entry, paths from the root of their partition.
find_entry() { # base, entry
  words() { sed -n "s/^$1[[:space:]]\{1,\}//p" "$2" | tr '\n' ' ' | sed 's/[[:space:]]*$//'; }
  found "$1" "$(words linux "$2")" "$(words initrd "$2")" "$(words options "$2")"
}

# grub.cfg: the first menu entry, where that is the default and has exactly one kernel.
find_grub() { # base, file
  if grep 'set default=' "$2" | grep -v next_entry | grep -qv '"0"'; then UNCLEAR="grub's default is not its first entry"; return 1; fi
  awk '/^[[:space:]]*menuentry[[:space:]]/ { n++ } n == 1' "$2" > /tmp/entry
  [ "$(grep -cE '^[[:space:]]*linux(efi)?[[:space:]]' /tmp/entry)" = 1 ] || { UNCLEAR="grub's first entry names no or several kernels"; return 1; }
  line=$(sed -nE 's/^[[:space:]]*linux(efi)?[[:space:]]+//p' /tmp/entry)
  found "$1" "${line%%[[:space:]]*}" "$(sed -nE 's/^[[:space:]]*initrd(efi)?[[:space:]]+//p' /tmp/entry)" "${line#*[[:space:]]}"
}

# No boot loader that we can read: the newest kernel by its version. Its root is mounted for writing at once: an image
# whose fstab names no root would stay read-only for good.
find_newest() { # folder
  newest=$(ls "$1" | sed -n 's/^vmlinuz-//p' | grep -v rescue | sort -V | tail -n 1)
  [ -n "$newest" ] || return 1
  for initrd in "initrd.img-$newest" "initramfs-$newest.img"; do
    [ -f "$1/$initrd" ] || continue
    found "$1" "vmlinuz-$newest" "$initrd" "rw $(tr ' ' '\n' < /proc/cmdline | grep '^console=' | tr '\n' ' ')"
    return
  done
  UNCLEAR="kernel $newest has no initrd"
  return 1
}

# The root and the disk's other partitions.
places() { mount_others ro && PLACES="/mnt $OTHERS"; }

find_foreign() {
  places
  entries=0
  for place in $PLACES; do
    for file in "$place"/loader/entries/*.conf "$place"/boot/loader/entries/*.conf; do
      case "$file" in *rescue*) continue ;; esac
      [ -f "$file" ] && entries=$((entries + 1)) entry=$file entry_place=$place
    done
  done
  [ $entries -le 1 ] || { UNCLEAR="the image has $entries boot entries"; return 1; }
  [ $entries = 0 ] || { find_entry "$entry_place" "$entry"; return; }
  for place in $PLACES; do
    for file in "$place"/boot/grub*/grub.cfg "$place"/grub*/grub.cfg; do
      [ -f "$file" ] && grep -q menuentry "$file" && { find_grub "$place" "$file"; return; }
    done
  done
  for place in $PLACES; do
    for folder in "$place/boot" "$place"; do [ -d "$folder" ] && find_newest "$folder" && return; done
  done
  UNCLEAR=${UNCLEAR:-no kernel was found in the image}
  return 1
}

# load_next: sets NEXT to kexec or firmware, and NEXT_REASON.
load_next() {
  NEXT=firmware UNCLEAR=
  NEXT_REASON=$(may_kexec)
  [ -z "$NEXT_REASON" ] || return
  if [ "$KIND" = plain ]; then find_plain; else find_foreign; fi || { NEXT_REASON=$UNCLEAR; return; }
  case " $LINE " in *" root="*) ;; *) LINE="root=UUID=$ROOT_UUID $LINE" ;; esac
  case " $LINE " in *" panic="*) ;; *) LINE="$LINE panic=30" ;; esac
  cat $INITRDS > /tmp/next-initrd || { NEXT_REASON="the initrd could not be read"; return; }
  if kexec -a -l "$KERNEL" --initrd=/tmp/next-initrd --command-line="$LINE" > /tmp/kexec.log 2>&1; then
    NEXT=kexec NEXT_REASON="$(basename "$KERNEL") was loaded"
  else
    NEXT_REASON="kexec refused the kernel: $(tail -n 1 /tmp/kexec.log)"
  fi
  rm -f /tmp/next-initrd
}

# close_disk: nothing of it is mounted any more.
close_disk() {
  umount_others
  umount /mnt
}

# go_on: never returns.
go_on() {
  [ "$NEXT" = kexec ] || leave "installed"
  say "installed; going on by kexec"
  sync
  kexec -e > /tmp/kexec.log 2>&1
  leave "kexec failed: $(tail -n 1 /tmp/kexec.log)"
}
