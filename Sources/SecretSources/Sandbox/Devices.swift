import Glibc
import Linux

/// What of `/dev` there is in the sandbox: no disks, which hold the store, no memory, no terminals and no keyboards.
enum Devices {
    /// `tty` is the terminal of whoever opens it; in here nobody has one.
    private static let always = ["null", "zero", "full", "random", "urandom", "tty"]

    /// Those that this machine may have, as paths below `/dev`: TPMs, security keys and readers of smart cards hold keys of `age`, `gpg` and systemd.
    ///
    /// - Parameters:
    ///   - system: where the kernel tells of them (sysfs(5)).
    ///   - folder: where they lie.
    static func names(system: String = "/sys", folder: String = "/dev") -> [String] {
        always + entries(folder).filter { $0.hasPrefix("tpm") } + securityKeys(system) + cardReaders(system)
    }

    /// Of the devices that speak HID, which keyboards do too, those whose description begins with the page of FIDO: 06 d0 f1
    /// (CTAP 2.1, "HID Report Descriptor").
    private static func securityKeys(_ system: String) -> [String] {
        entries("\(system)/class/hidraw").filter { name in
            let file = try? FileDescriptor.open("\(system)/class/hidraw/\(name)/device/report_descriptor", O_RDONLY)
            guard let file, let bytes = (try? file.readAll(limit: 4096)) ?? nil else { return false }
            return bytes.starts(with: [0x06, 0xd0, 0xf1])
        }
    }

    /// Of the USB devices those that have an interface for smart cards (class 0b), and none for storage (08), keyboards (03) or further devices (09).
    private static func cardReaders(_ system: String) -> [String] {
        let root = "\(system)/bus/usb/devices"
        let all = entries(root)
        return all.compactMap { device in
            let classes = all.filter { $0.hasPrefix(device + ":") }.map { text("\(root)/\($0)/bInterfaceClass") }
            guard classes.contains("0b"), classes.allSatisfy({ !["03", "08", "09"].contains($0) }),
                let bus = Int(text("\(root)/\(device)/busnum")), let number = Int(text("\(root)/\(device)/devnum"))
            else { return nil }
            return "bus/usb/\(padded(bus))/\(padded(number))"
        }
    }

    private static func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(3 - digits.utf8.count, 0)) + digits
    }

    private static func text(_ path: String) -> String {
        let bytes = (try? FileDescriptor.open(path, O_RDONLY).readAll(limit: 64)) ?? nil
        return String(decoding: (bytes ?? []).filter { $0 != 10 }, as: UTF8.self)
    }

    private static func entries(_ folder: String) -> [String] {
        guard let folder = try? FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY) else { return [] }
        return DirectoryListing.names(in: folder.number)
    }
}
