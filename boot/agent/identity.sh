# Part of the agent: opens the root file system that was written, and makes it this node's.
#
# Two kinds of image. Ours carries /usr/lib/bringup/plain and gets plain files, and a UUID of this grant, so that an older
# copy is never taken for it. Any other must read a NoCloud seed: cloud-init is in it, and is not switched off. It keeps
# its UUID, which its boot loader may name in places that we don't know; the grant's name in /etc/bringup tells it from
# an older copy. What is neither is refused before anything of it is changed.

# open_root: mounts $ROOT on /mnt. Sets ROOT_TYPE.
open_root() {
  ROOT_TYPE=$(blkid -p -s TYPE -o value "$ROOT")
  modprobe -q "$ROOT_TYPE"
  mount -t "$ROOT_TYPE" "$ROOT" /mnt 2> /tmp/mount.log || fail "the root file system ($ROOT_TYPE) could not be mounted: $(cat /tmp/mount.log)"
  # btrfs: where the default subvolume isn't the root, distributions call that root or @.
  for volume in root @; do
    [ ! -d /mnt/etc ] && [ -d "/mnt/$volume/etc" ] || continue
    umount /mnt
    mount -t "$ROOT_TYPE" -o "subvol=$volume" "$ROOT" /mnt || fail "subvolume $volume could not be mounted"
  done
  [ -d /mnt/etc ] || fail "file system $IMAGE_ROOT holds no /etc, so it is no root file system"
}

# tell_kind: sets KIND to plain or nocloud, or fails.
tell_kind() {
  KIND=nocloud
  [ -e /mnt/usr/lib/bringup/plain ] && KIND=plain && return
  [ -e /mnt/usr/bin/cloud-init ] ||
    fail "the image has no cloud-init and is none of bringup's own, so it could not be told who it is"
  [ ! -e /mnt/etc/cloud/cloud-init.disabled ] || fail "cloud-init is switched off in the image (/etc/cloud/cloud-init.disabled)"
  ! grep -rqsE '^[[:space:]]*(network:[[:space:]]*\{[[:space:]]*)?config:[[:space:]]*disabled' \
    /mnt/etc/cloud/cloud.cfg /mnt/etc/cloud/cloud.cfg.d ||
    fail "the image forbids cloud-init to configure the network (config: disabled in /etc/cloud)"
}

# The disk's other partitions, a separate /boot and the EFI system partition, each where it can be mounted. Sets OTHERS.
mount_others() { # ro or rw
  OTHERS=
  for name in $(partitions); do
    type=$(blkid -p -s TYPE -o value "/dev/$name")
    case "$type" in vfat | ext4 | xfs | btrfs) ;; *) continue ;; esac
    [ "/dev/$name" != "$ROOT" ] || continue
    modprobe -q "$type"
    mkdir -p "/others/$name" && mount -t "$type" -o "$1" "/dev/$name" "/others/$name" 2> /dev/null && OTHERS="$OTHERS /others/$name"
  done
  return 0
}

umount_others() { for place in $OTHERS; do umount "$place" 2> /dev/null; done; }

drop_machine_id() { # folders of boot entries
  for folder in "$@"; do
    for entry in "$folder"/*.conf; do
      [ ! -f "$entry" ] || sed -i '/^options[[:space:]]/s/[[:space:]]systemd\.machine_id=[^[:space:]]*//g' "$entry"
    done
  done
}

# forget_machine_id: an image that was started once would give all its nodes one machine id; systemd makes a new one where
# the file is empty. kernel-install writes it into boot entries too, and there it would win over the file.
forget_machine_id() {
  : > /mnt/etc/machine-id
  mount_others rw
  for place in /mnt/boot $OTHERS; do drop_machine_id "$place/loader/entries"; done
  umount_others
}

# renew_uuid: gives our own image's file system a UUID of this grant. Sets ROOT_UUID.
renew_uuid() {
  umount /mnt
  ROOT_UUID=$(cat /proc/sys/kernel/random/uuid)
  tune2fs -U "$ROOT_UUID" "$ROOT" > /tmp/tune2fs.log 2>&1 || fail "the file system kept its UUID: $(tail -n 1 /tmp/tune2fs.log)"
  open_root
  sed -i "s/$IMAGE_ROOT/$ROOT_UUID/g" /mnt/etc/fstab /mnt/boot/grub/grub.cfg
}

write_files() { # key of the seed
  count=$(go ".seed.$1 | length") index=0
  while [ $index -lt "$count" ]; do
    path=/mnt$(go ".seed.$1[$index].path")
    mkdir -p "$(dirname "$path")" && rm -f "$path" && go ".seed.$1[$index].text" | head -c -1 > "$path" || return 1
    chmod "$(go ".seed.$1[$index].mode")" "$path" || return 1
    index=$((index + 1))
  done
}

# write_identity: seed or plain files, phone-home, the grant's name, the SSH host key. Sets HOST_KEY.
write_identity() {
  umask 022
  write_files always && write_files "$KIND" || fail "the identity could not be written"
  [ -d /mnt/root/.ssh ] && chmod 700 /mnt/root/.ssh
  cp /etc/bringup-ca.pem /mnt/etc/bringup/ca.pem
  echo "$GRANT" > /mnt/etc/bringup/grant
  mkdir -p /mnt/etc/systemd/system/multi-user.target.wants
  ln -sf ../bringup-phone-home.service /mnt/etc/systemd/system/multi-user.target.wants/bringup-phone-home.service
  forget_machine_id
  rm -f /mnt/etc/ssh/ssh_host_*
  ssh-keygen -q -t ed25519 -N '' -C '' -f /mnt/etc/ssh/ssh_host_ed25519_key || fail "no SSH host key could be made"
  HOST_KEY=$(cut -d' ' -f1,2 /mnt/etc/ssh/ssh_host_ed25519_key.pub)
  # What we wrote has no SELinux label yet.
  ! grep -qs '^SELINUX=enforcing' /mnt/etc/selinux/config || : > /mnt/.autorelabel
}
